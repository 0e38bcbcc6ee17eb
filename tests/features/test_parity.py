"""One interpreter: what a file says of a lead and what a server hears of it give the same numbers, whatever type a value has."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.catalog import feature_set
from features.clock import DAY_US, HOUR_US, format_us
from features.history import EventRow
from features.matrix import LiveLead, compute, compute_one
from features.reading.moments import parse_moment
from features.tables import read_tables
from features.workspace import parse_workspace
from tests.features.disk import put

START = parse_moment("2026-05-01")
BODY = """
name: small
data:
  leads: {source: l.jsonl, started_at: at}
  events: {source: FILE, received_at: got, count: n, properties: [p, q]}
attributes: {size: number, tier: category}
behaviours:
  session: {events: [{event: "a*", where: {p: {eq: 9}}}], duration: q}
  core_use: {events: [{event: "a*", where: {p: {eq: "9"}}}, {event: b, where: {p: {ge: 2, lt: 1000}}}], amount: q}
  sales: {events: [{event: "*", where: {p: {glob: "*i*"}}}]}
  support: {events: [{event: "*", where: {p: [true, "x", 2.5]}}], amount: p}
  friction: {events: [{event: "*", where: {p: {eq: false}}}], duration: p}
  profile: {traits: [tier, photo]}
"""
VALUES: dict[str, list[Any]] = {
    "floats": [9.0, 2.5, 1e22, -0.0, 1e-7, 123456789.125, 0.1 + 0.2, 0.015, None],
    "integers": [9, 0, 1, 2**53 + 1, 2**60, None],
    "texts": ["9", "9.0", " 9", "true", "True", "FALSE", "", "2.5", "vip", "x", "1e3", "nan", "inf", "٣", "0.005", None],
    "truths": [True, False, None],
    "lists": [["vip", 1], ["i"], None],
    "objects": [{"a": "i", "b": 2}, None],
}
VALUES["all at once"] = [value for values in VALUES.values() for value in values]
CATEGORIES = {"tier": ("9", "true", "2.5", "vip", '["vip", 1]', str(2**60))}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_files_and_servers_give_the_same_numbers(tmp_path: Path, kind: str, ending: str) -> None:
    random = Random(f"{kind} {ending}")
    for world in range(12):
        lead = {name: random.choice(VALUES[kind]) for name in ("tier", "size", "photo")}
        events = [
            {"at": START + random.randrange(-DAY_US, 5 * DAY_US), "late": random.choice([0, 0, -5, HOUR_US, DAY_US])}
            | {"event": random.choice(["a", "A b", "aC", "b", "zZ"]), "n": random.choice([1, 2, None])}
            | {name: random.choice(VALUES[kind]) for name in "pq"}
            for _ in range(random.randint(1, 12))
        ]
        put(tmp_path, "l.jsonl", json.dumps({"lead_id": "x", "at": format_us(START), **lead}))
        rows = [
            {"lead_id": "x", "timestamp": format_us(one["at"]), "got": format_us(one["at"] + one["late"])}
            | {name: one[name] for name in ("event", "n", "p", "q")}
            for one in events
        ]
        try:
            put(tmp_path, f"e{world}.{ending}", rows)
        except pa.ArrowException:
            continue  # a Parquet column has one type
        ws = parse_workspace(BODY.replace("FILE", f"e{world}.{ending}"), tmp_path)
        features = feature_set(ws.definition(categories=CATEGORIES))
        looks = START + np.array([1, 3, 5]) * DAY_US
        batch = compute(features, read_tables(ws), np.zeros(3, np.int64), looks)
        heard = [
            EventRow(one["event"], one["at"], one["at"] + max(0, one["late"]), one["n"] or 1, {name: one[name] for name in "pq"})
            for one in events
        ]
        live = LiveLead("x", START, [], {name: (value, START) for name, value in lead.items()}, heard)
        for row, as_of in enumerate(looks.tolist()):
            one = compute_one(features, features.plan, live, as_of)
            assert np.array_equal(one.values[0], batch.values[row], equal_nan=True), (lead, events)
            assert one.row(0) == batch.row(row)
