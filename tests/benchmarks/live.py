"""One lead, live: milliseconds from the stored rows, as tuples, to the vector of features."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from features.catalog import feature_set
from features.clock import DAY_US, HOUR_US
from features.feature import FeatureSet
from features.history import EventRow
from features.matrix import LiveAccount, LiveLead, LiveMate, compute_one
from features.workspace import parse_workspace
from tests.benchmarks.ours import only_the_asked
from tests.benchmarks.world import EVENT_NAMES, workspace

EVENTS = (20, 200, 2_000)
BARS_MS = {200: 0.3, 2_000: 1.5}
MATES, MATE_EVENTS, MATES_BAR_MS = 20, 200, 2.0
MEMBERS = 200
START = 20_500 * DAY_US
_TURNS = 400

Row = tuple[str, int, int, int, dict[str, object]]


def stored(events: int, seed: int = 1) -> list[Row]:
    """Return so many stored events of one lead over two weeks, as a query gives them."""
    random = np.random.default_rng(seed)
    at = np.sort(START + random.integers(0, 14 * DAY_US, events)).tolist()
    names = [EVENT_NAMES[code] for code in random.integers(0, len(EVENT_NAMES), events).tolist()]
    rows: list[Row] = []
    for name, moment in zip(names, at, strict=True):
        properties: dict[str, object] = {"duration_s": 12.5} if name.startswith("session") else {}
        rows.append((name, moment, moment, 1, properties))
    return rows


def p50(work: Callable[[int], object], turns: int = _TURNS) -> float:
    """Return the median milliseconds of some work."""
    for turn in range(20):
        work(turn)
    took = []
    for turn in range(turns):
        began = time.perf_counter()
        work(turn)
        took.append(time.perf_counter() - began)
    return 1000 * float(np.median(took))


def of_events(features: FeatureSet, rows: list[Row]) -> float:
    """Return the median for a lead with such events."""

    def work(turn: int) -> object:
        lead = LiveLead("a", START, [], {}, [EventRow(*row) for row in rows])
        return compute_one(features, features.plan, lead, START + 14 * DAY_US + turn * HOUR_US)

    return p50(work)


def of_mates(features: FeatureSet, rows: list[Row], mates: list[list[Row]]) -> float:
    """Return the median for a lead with account mates, whose rows are plain tuples, as the server reads them."""

    def work(turn: int) -> object:
        account = LiveAccount(LiveMate(f"m{number}", START, one) for number, one in enumerate(mates))
        lead = LiveLead("a", START, [], {}, [EventRow(*row) for row in rows], account)
        return compute_one(features, features.plan, lead, START + 14 * DAY_US + turn * HOUR_US)

    return p50(work)


def of_account(features: FeatureSet, members: list[list[Row]]) -> float:
    """Return the median for one lead of an account when all its leads are looked at."""

    def work(turn: int) -> object:
        account = LiveAccount(LiveMate(f"m{number}", START, one) for number, one in enumerate(members))
        leads = [
            LiveLead(f"m{number}", START, [], {}, [EventRow(*row) for row in one], account) for number, one in enumerate(members)
        ]
        return [compute_one(features, features.plan, lead, START + 14 * DAY_US + turn * HOUR_US) for lead in leads]

    return p50(work, turns=5) / len(members)


def with_accounts() -> FeatureSet:
    """Return the built-in catalogue of the same world with accounts, and features over the mates."""
    text = workspace().replace("started_at: at}", "started_at: at, account: account}").split("\nfeatures:")[0]
    features = feature_set(parse_workspace(text, Path()).definition())
    if not any(name.startswith("account_") for name in features.names):
        raise SystemExit("the catalogue has no feature over account mates")
    return features


def report() -> None:
    """Print the medians."""
    asked = only_the_asked(Path())[1]
    whole = feature_set(parse_workspace(workspace().split("\nfeatures:")[0], Path()).definition())
    for events in EVENTS:
        for features in (asked, whole):
            took, bar = of_events(features, stored(events)), BARS_MS.get(events)
            told = f"   (bar: {bar} ms) {'ok' if took <= bar else 'MISSED'}" if bar and features is asked else ""
            print(f"live, {events:5,} events, {len(features):3d} features: p50 {took:.3f} ms{told}")
    accounts = with_accounts()
    took = of_mates(accounts, stored(MATE_EVENTS), [stored(MATE_EVENTS, seed) for seed in range(2, 2 + MATES)])
    holds = "ok" if took <= MATES_BAR_MS else "MISSED"
    told = f"{MATES} mates of {MATE_EVENTS} events, {len(accounts)} features"
    print(f"live, {told}: p50 {took:.3f} ms   (bar: {MATES_BAR_MS:.0f} ms) {holds}")
    took = of_account(accounts, [stored(MATE_EVENTS, seed) for seed in range(MEMBERS)])
    print(f"live, all leads of an account of {MEMBERS} with {MATE_EVENTS} events each: p50 {took:.3f} ms a lead")
