from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.parts import parts
from features.tables import Tables, read_tables
from tests.features.disk import workspace


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    leads = "lead_id,signed_up_at,size\n" + "".join(f"{one},2026-05-01,{ord(one)}\n" for one in "abcdef")
    events = "lead_id,event,timestamp,id,n\n"
    for one, many in {"b": 3, "c": 1, "e": 5, "f": 2}.items():
        events += "".join(f"{one},x{i % 2},2026-05-0{i + 1},{one}{i},{i}\n" for i in range(many))
    body = """
        data:
          leads: {source: leads.csv, started_at: signed_up_at}
          events: {source: events.csv, id: id, properties: [n]}
        attributes: {size: number}
    """
    return read_tables(workspace(tmp_path, body, leads__csv=leads, events__csv=events), raw=True)


def told(tables: Tables, first: int = 0) -> list[tuple[int | float, ...]]:
    events = tables.events
    columns: list[Any] = [
        events.lead + first,
        events.name,
        events.at,
        events.known,
        events.count,
        events.properties["n"],
        events.row,
    ]
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize(("leads", "events", "expected"), [(9, 99, 1), (2, 99, 3), (9, 4, 3), (9, 1, 5), (1, 1, 6)])
def test_parts_are_the_whole(tables: Tables, leads: int, events: int, expected: int) -> None:
    whole = list(parts(tables, leads=leads, events=events))
    for first, part in whole:
        assert part.leads.ids == tables.leads.ids[first : first + len(part.leads)]
        assert part.leads.attributes["size"].tolist() == [float(ord(one)) for one in part.leads.ids]
        assert len(part.leads) <= leads
        assert len(part.events) <= max(events, 5)
    assert len(whole) == expected
    assert sum(len(part.leads) for _, part in whole) == 6
    assert [event for first, part in whole for event in told(part, first)] == told(tables)


def test_nobody_is_one_part(tables: Tables) -> None:
    nobody = replace(tables, leads=tables.leads.take(np.zeros(6, bool)), events=next(parts(tables, leads=1))[1].events)
    assert [(first, len(part.leads), len(part.events)) for first, part in parts(nobody)] == [(0, 0, 0)]
