"""A lead is forgotten within half a minute in a store of many others, and no byte of it is left in the files (check 36)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from features.store import EventStore
from features.storing.rows import Message
from tests import store_fixture

CANARY, A_LEAD = "ann-canary-large@acme.com", 100
store_url = store_fixture.made_store_url


@pytest.mark.parametrize(
    "events", [pytest.param(20_000, marks=pytest.mark.slow), pytest.param(500_000, marks=pytest.mark.faults)]
)
def test_a_lead_among_many(store_url: str, tmp_path: Path, events: int) -> None:
    store = EventStore(store_url, wait_ms=60_000)
    store.migrate()
    store.need_same_secret(b"s")
    ids = [f"lead {number}" for number in range(events // A_LEAD)]
    ids[len(ids) // 2] = CANARY
    rows = (  # those of one lead lie among those of all others
        Message(f"{turn}-{lead_id}", "track", lead_id, "Login", turn, turn, f"{turn}", properties={"note": lead_id * 3})
        for turn in range(A_LEAD)
        for lead_id in ids
    )
    assert store.add_bulk(list(rows)) == events
    sqlite = store_url.startswith("sqlite")
    files = [path for path in tmp_path.iterdir() if path.is_file()] if sqlite else []
    assert not sqlite or any(CANARY.encode() in path.read_bytes() for path in files)
    begin = time.monotonic()
    done = store.privacy.forget(CANARY, 99)
    took = time.monotonic() - begin
    print(f"forgotten among {events} events after {took:.1f} s")
    assert (done.problem, done.removed.rows["event"]) == (None, A_LEAD)
    assert took <= 30
    assert store.lead(CANARY) is None
    assert store.counts()["event"] == events - A_LEAD
    for path in files:
        assert not path.exists() or CANARY.encode() not in path.read_bytes(), path.name
    store.close()
