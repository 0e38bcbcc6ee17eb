"""The ledger: answers do not wait for it, and it loses nothing that it can keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from features.store import EventStore
from features.storing.engine import unavailable
from features.storing.rows import Answer
from serving import ledger as ledger_module
from serving.ledger import Ledger
from serving.metrics import Metrics
from tests.serving.conftest import wait_for


def answer(lead_id: str) -> Answer:
    return Answer(1, "lead", "k", lead_id, 2, "3", "d", "f", 0.25, "lead", None)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    yield store
    store.close()


def test_lines_are_written_behind_the_answer_and_at_the_end(store: EventStore) -> None:
    ledger = Ledger(store, Metrics())
    ledger.start()
    ledger.note([answer("a")])
    wait_for(lambda: store.counts()["ledger"] == 1)
    ledger.note([answer(str(i)) for i in range(2500)])
    ledger.stop()
    assert store.counts()["ledger"] == 2501


def test_while_the_store_is_away_lines_wait_in_their_order(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(store, Metrics())
    real = EventStore.add_answers
    written: list[str] = []

    def away(*_: object) -> None:
        raise unavailable(None)

    def back(self: EventStore, answers: Sequence[Answer]) -> None:
        written.extend(one.lead_id for one in answers)
        real(self, answers)

    ledger.note([answer("a"), answer("b")])
    monkeypatch.setattr(EventStore, "add_answers", away)
    ledger.flush()
    ledger.note([answer("c")])
    monkeypatch.setattr(EventStore, "add_answers", back)
    ledger.flush()
    assert written == ["a", "b", "c"]


def test_beyond_the_limit_lines_are_counted_as_lost(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MOST_WAITING", 2)
    metrics = Metrics()
    ledger = Ledger(store, metrics)
    ledger.note([answer(str(i)) for i in range(5)])
    ledger.flush()
    assert store.counts()["ledger"] == 2
    assert b"trialwise_ledger_lost_total 3.0" in metrics.text()
