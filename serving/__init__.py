"""Chapter 4: answer now, safely.

This chapter takes events in, keeps them in the store, and answers with scores that name their model, their definition and their
instant. It owns everything that speaks HTTP, and it is the only chapter that knows FastAPI. It never learns anything: it does not
import the training chapter, and what it knows of MLflow is `models.registry`, asked in a thread.

Read it in this order:

- what never gets in: `problems`, `strict_json`, `guards`, `api_keys`, `access`;
- what was said: `items` (ids, times and other parts, each read strictly), `segment` (a call becomes a message), `ingest`
  (messages and conversions, each judged on its own, are stored);
- who is asked about: `live` (the model that answers), `view` and `live_lead` (stored rows become a lead as of an instant, what
  was said of it as `features.storing.said` reads it), `account_mates` (who works beside it), `stateless` with `schemas` and
  `shapes` (posted leads become one, too), `instants`;
- the answer: `scoring`, `answering` (in pieces, each leaving traces), `gathered` (several at once on the event loop), `ranking`
  (the work list), `live_percentile` (where a lead stands today), `ledger` (what was answered);
- how leads change, behind the answers: `watch` (who is looked at), `lead_changes` (what counts as a change), `webhook_endpoints`
  and `webhook_messages` (who is told what), `webhooks` (delivering, with `webhook_post` and `webhook_schedule`),
  `guarded_connect` (where no call may go), `background` (wires them);
- scores into a CRM: `push_command`, and `crm` with a preface of its own;
- the doors: `straight` (found without a search), `ingest_routes`, `score_routes`, `lead_routes`, `health_routes`, each working
  with the `services`;
- the server: `settings`, `metrics`, `app` (wires all of it), `openapi` (its schema as a file), `connections` and `run`.
"""
