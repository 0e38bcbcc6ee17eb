"""At rest: the tables behind `features.store`.

`schema.py` says what is kept, `engine.py` connects to SQLite or PostgreSQL, `rows.py` is what goes in and out (in the JSON of
`canonical.py`), `writes.py` and `reads.py` do so, `links.py` knows who turned out to be whom and `accounts.py` who belongs
together, `keys.py` keeps the API keys, `loading.py` fills the store from a workspace's files, and `collected.py` reads it as a
source of training, leads by `collected_leads.py`. `news.py` tells of which leads something new was stored, `lead_states.py`
where each of them stands and how it got there, `outbox.py` who is still to be told (tables in `watch_tables.py`), and
`latest_scores.py` what each live lead scored last. What was said of a lead is read by one rule, `said.py` with `sent_names.py`,
by training and by the server.
"""
