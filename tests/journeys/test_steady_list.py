"""The work list of the simulated product over two weeks: who comes and goes without anything having happened."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from features.clock import format_us, from_datetime
from features.workspace import load_workspace
from models.batch import score_population
from models.champion import need_champion
from models.population import Asked, find_population
from models.worklist import best_first
from tests.journeys.conftest import Trained

pytestmark = pytest.mark.slow

TOP, DAYS = 20, 14
WORTH = 0.8
"""What holding still may cost, in expected conversions of the list."""


def test_the_list_holds_still_where_nothing_happens(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(trained.home))
    ws = load_workspace(trained.workspace)
    champion = need_champion(ws.name)
    newest = datetime.fromisoformat(format_us(find_population(ws, Asked()).tables.newest))
    end = newest.replace(hour=0, minute=0, second=0, microsecond=0)
    left = {"steady": 0, "strict": 0}
    swapped, worth = {"steady": 0, "strict": 0}, {"steady": 0.0, "strict": 0.0}
    before: dict[str, list[str]] = {}
    pairs = 0
    for days in range(DAYS, 0, -1):
        day = end - timedelta(days=days)
        who = find_population(ws, Asked(as_of=day.isoformat()), champion.scorer.definition)
        records = {str(one["lead_id"]): one for one in score_population(ws, champion, who, reasons=0)}
        strict = sorted(records, key=lambda one: (-records[one]["probability"], one))[:TOP]
        lists = {"steady": best_first(ws, champion, who, TOP).ids, "strict": strict}
        if before and day.weekday() != 0:
            pairs += 1
            since = format_us(from_datetime(day) - 86_400_000_000)
            for kind, ids in lists.items():
                silent = {one for one, record in records.items() if record["features_as_of"] <= since}
                gone, come = silent & ({*before[kind]} - {*ids}), silent & ({*ids} - {*before[kind]})
                left[kind] += len(gone)
                swapped[kind] += min(len(gone), len(come))
        before = lists
        for kind, ids in lists.items():
            worth[kind] += sum(records[one]["probability"] for one in ids)
    shares = {kind: count / (TOP * pairs) for kind, count in left.items()}
    print("share of the list that leaves it a day in silence:", {kind: f"{share:.1%}" for kind, share in shares.items()})
    print("of it in favour of another silent lead:", swapped, "of", TOP * pairs)
    print("expected conversions of the steady list over those of the strict one:", f"{worth['steady'] / worth['strict']:.1%}")
    assert swapped["steady"] == 0
    assert shares["steady"] < shares["strict"]
    assert worth["steady"] >= WORTH * worth["strict"]
