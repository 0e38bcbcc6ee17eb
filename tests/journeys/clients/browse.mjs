// Opens a page in a browser, lets it send, leaves it, and says what happened: node browse.mjs BROWSER PAGE ASKED ANSWERS.
// ASKED is JSON with tool, host, key and who; ANSWERS is how many answers of the ingest doors are waited for before leaving.
import { chromium } from "playwright-core";

const [executablePath, address, asked, answers] = process.argv.slice(2);
const { host } = JSON.parse(asked);
const seen = { requests: [], failed: [], errors: [], console: [] };

// PostHog's client sends nothing for a browser that says it is driven.
const args = ["--no-sandbox", "--disable-gpu", "--disable-blink-features=AutomationControlled"];
const browser = await chromium.launch({ executablePath, args });
try {
  const page = await browser.newPage({ userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36" });
  await page.addInitScript(`window.asked = ${asked}`);
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && seen.console.push(message.text()));
  const asking = new Set(); // what leaving would abort
  page.on("request", (request) => asking.add(request));
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => asking.delete(request));
  page.on("requestfailed", (request) => seen.failed.push(`${request.url()} ${request.failure()?.errorText}`));
  const answered = () => seen.requests.filter((one) => /^\/(e|v1)\//.test(one.path) && one.method === "POST").length;
  page.on("response", (response) => {
    const request = response.request();
    const url = new URL(request.url());
    if (url.host !== host) return;
    const headers = request.headers();
    seen.requests.push({ method: request.method(), path: url.pathname, query: [...url.searchParams.keys()], status: response.status(), type: headers["content-type"] ?? null });
  });
  await page.goto(address);
  await page.waitForFunction(() => window.done, null, { timeout: 20000 });
  const until = Date.now() + 20000;
  while ((answered() < Number(answers) || asking.size > 0) && Date.now() < until) await page.waitForTimeout(100);
  seen.anonymous = await page.evaluate(() => window.done);
  await page.evaluate(() => { window.leave(); });
  await page.goto("about:blank");
  await page.waitForTimeout(500);
} catch (error) {
  seen.errors.push(String(error));
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
