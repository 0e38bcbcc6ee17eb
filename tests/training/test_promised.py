from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.clock import DAY_US, HOUR_US
from features.errors import InputError
from features.store import EventStore
from features.storing.rows import Answer
from models.outfile import write_rows
from tests import store_fixture
from training.promised import promised_by_server, promised_in_file

store_url = store_fixture.store_url
DAY = 20_000 * DAY_US
ROWS = [
    {"lead_id": "a", "as_of": "2026-05-07T09:00:00.000000Z", "probability": 0.25, "grade": "A"},
    {"lead_id": "b", "as_of": "2026-05-07T09:00:00.000000Z", "probability": None, "grade": None},
]
COLUMNS = {"lead_id": "text", "as_of": "text", "probability": "number", "grade": "text"}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_every_format_that_score_writes(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"s.{ending}"
    write_rows(path, ROWS, COLUMNS)
    found = promised_in_file(path)
    assert (found.origin, found.lead, found.probability.tolist()) == (path.name, ["a"], [0.25])
    assert found.as_of.tolist() == [1_778_144_400_000_000]


@pytest.mark.parametrize("change", [{"probability": 1.5}, {"as_of": None}, {"as_of": "yesterday"}])
def test_what_is_no_score(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps(ROWS[0] | change) + "\n")
    with pytest.raises(InputError, match="a score cannot be read"):
        promised_in_file(path)


def test_a_file_that_is_not_there_or_has_other_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file of scores"):
        promised_in_file(tmp_path / "none.csv")
    (tmp_path / "s.csv").write_text("lead_id,as_of\na,2026-05-07\n")
    with pytest.raises(InputError, match="no column 'probability'"):
        promised_in_file(tmp_path / "s.csv")


def answer(lead: str, as_of: int | None, probability: float | None, version: str = "1") -> Answer:
    return Answer(DAY, "lead", None, lead, as_of, version, f"digest {version}", "f", probability, "lead", None)


def test_the_ledger_counts_a_lead_once_a_day(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", store_url)
    store = EventStore(store_url)
    store.migrate()
    store.add_answers(
        [
            answer("a", DAY, 0.1), answer("a", DAY + HOUR_US, 0.2), answer("a", DAY + DAY_US, 0.3), answer("b", DAY, 0.4),
            answer("a", DAY, 0.5, "2"), answer("c", DAY, None), answer("d", None, 0.6), answer("e", DAY - 1, 0.7),
            answer("f", DAY + 9 * DAY_US, 0.8),
        ]
    )  # fmt: skip
    found = promised_by_server(since=DAY, until=DAY + 8 * DAY_US)
    assert found is not None
    assert list(zip(found.lead, found.probability.tolist(), found.version, strict=True)) == [
        ("a", 0.1, "1"), ("a", 0.3, "1"), ("b", 0.4, "1"), ("a", 0.5, "2"),
    ]  # fmt: skip
    store.close()


def test_without_a_store_there_is_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    assert promised_by_server(since=0, until=DAY) is None
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "none.db").touch()
    found = promised_by_server(since=0, until=DAY)
    assert found is not None
    assert found.lead == []
