"""Chapter 4: answer now, safely.

This chapter takes events in, keeps them in the store, and answers with scores that name their model, their definition and their
instant. It owns everything that speaks HTTP, and it is the only chapter that knows FastAPI. It never learns anything: it does not
import the training chapter, and what it knows of MLflow is `models.registry`, asked in a thread.

Read in this order: `segment` (what a tool says becomes a message), `guards` and `access` (what never gets in), `live` (which
model answers), `live_lead` (stored rows become features), `scoring` (the answer), then the doors: `ingest_routes`,
`score_routes`, `lead_routes`, `health_routes`; `app` wires them and `run` opens the port.
"""
