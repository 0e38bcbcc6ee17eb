"""Rows survive being bytes: every type, every gap, and the difference between no column and an empty one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from features.reading.events_table import EventRows
from features.reading.growing import constant, is_constant
from features.sparking.parts import join_events, objects, pack, pack_events, unpack


def test_columns_keep_their_types() -> None:
    columns = {
        "count": np.array([1, 2**62, -1]),
        "number": np.array([0.1, np.nan, -0.0]),
        "text": objects(["a", None, "ß"]),
        "nothing": objects([None, None, None]),
        "flag": objects([True, None, False]),
        "sure": np.array([True, False, True]),
    }
    back = unpack(pack(columns))
    assert list(back) == list(columns)
    assert np.array_equal(back["number"].view(np.int64), columns["number"].view(np.int64))
    for name in ("count", "text", "nothing", "flag", "sure"):
        assert back[name].tolist() == columns[name].tolist()
    assert back["sure"].dtype == object
    back["count"][0] = 5  # it can be written to, as compiled code needs


def some(*, known: bool = False, count: bool = False, score: Any = None) -> EventRows:
    at = np.array([5, 6, 7])
    return EventRows(
        names=["buy", "login"],
        lead=np.array([1, 0, 1], np.int32),
        name=np.array([0, 1, 1], np.int32),
        at=at,
        known=at + 1 if known else at,
        count=np.array([1, 2, 3]) if count else constant(1, 3),
        ids=np.array([[1, 2], [3, 4], [0, 0]]),
        properties={"score": np.array([1.0, np.nan, 3.0]) if score is None else objects(score)},
    )


def joined(*events: EventRows, mixed: frozenset[str] = frozenset()) -> tuple[EventRows, list[str]]:
    ids = objects(["x", "y"])
    return join_events([pack_events(one, ids, np.arange(3)) for one in events], mixed)


def test_parts_of_events_are_put_together() -> None:
    events, ids = joined(some(), some())
    assert [ids[place] for place in events.lead] == ["y", "x", "y"] * 2
    assert [events.names[place] for place in events.name] == ["buy", "login", "login"] * 2
    assert events.known is events.at
    assert is_constant(events.count)
    assert events.ids.tolist() == [[1, 2], [3, 4], [0, 0]] * 2
    assert events.properties["score"].dtype == np.float64


def test_a_column_that_one_part_lacks_says_what_it_means() -> None:
    events, _ = joined(some(), some(known=True, count=True))
    assert events.known.tolist() == [5, 6, 7, 6, 7, 8]
    assert events.count.tolist() == [1, 1, 1, 1, 2, 3]


@pytest.mark.parametrize("score", [["a", None, "b"], [True, False, True], [None, None, None]])
def test_what_is_text_anywhere_is_an_object_everywhere(score: list[Any]) -> None:
    mixed = frozenset(["score"])
    both, _ = joined(some(), some(score=score), mixed=mixed)
    assert both.properties["score"].tolist() == [1.0, None, 3.0, *score]
    alone, _ = joined(some(), mixed=mixed)
    assert alone.properties["score"].dtype == object
