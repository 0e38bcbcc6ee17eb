// Every call of a client for Node, sent to a server: node send.mjs segment|posthog HOST KEY WHO. Says what went wrong, if anything did.
import { Analytics } from "@segment/analytics-node";
import { PostHog } from "posthog-node";

const [tool, host, key, who] = process.argv.slice(2);
const errors = [];
const at = (minute) => new Date(Date.UTC(2026, 4, 7, 9, minute));
const tell = (error) => errors.push(String(error?.reason ?? error));

async function segment() {
  const client = new Analytics({ writeKey: key, host, maxRetries: 0 });
  client.on("error", tell);
  const anonymousId = `${who}-anonymous`;
  const call = (minute, more) => ({ messageId: `${who}-${minute}`, timestamp: at(minute), userId: who, ...more });
  client.page(call(0, { userId: undefined, anonymousId, name: "Pricing", properties: { path: "/pricing" } }));
  client.identify(call(1, { anonymousId, traits: { country: "TR", age: 7 } }));
  client.track(call(2, { event: "Upgrade Clicked", properties: { plan: "pro", n: [1, { ü: null }] }, context: { groupId: "acme", ip: "192.0.2.1" } }));
  client.screen(call(3, { name: "Home", properties: { dark: true } }));
  client.group(call(4, { groupId: "acme", traits: { seats: 12 } }));
  client.alias(call(5, { previousId: `${who}-before` }));
  await client.closeAndFlush();
}

async function posthog() {
  const client = new PostHog(key, { host, fetchRetryCount: 0 });
  client.on("error", tell);
  const distinctId = who;
  client.capture({ distinctId: `${who}-anonymous`, event: "$pageview", timestamp: at(0), properties: { $current_url: "https://acme.com/pricing?a=1" } });
  client.capture({ distinctId, event: "$identify", timestamp: at(1), properties: { $anon_distinct_id: `${who}-anonymous`, $set: { country: "TR" }, $set_once: { age: 7 } } });
  client.capture({ distinctId, event: "upgrade", timestamp: at(2), properties: { plan: "pro" }, groups: { company: "acme" } });
  client.identify({ distinctId, properties: { title: "CTO" } });
  client.groupIdentify({ groupType: "company", groupKey: "acme", properties: { seats: 12 }, distinctId });
  client.groupIdentify({ groupType: "company", groupKey: `${who} Inc.`, properties: { seats: 1 } });
  client.alias({ distinctId, alias: `${who}-before` });
  await client.shutdown();
}

await { segment, posthog }[tool]();
console.log(JSON.stringify({ errors }));
