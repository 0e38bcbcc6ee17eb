from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from features.reading.sources import Piece
from features.reading.written import Written, WrittenEvent
from features.workspaces.data import EventsSpec

SPEC = EventsSpec.model_validate({"source": "e", "lead": "who", "name": "what", "at": "when", "id": "id"})


def piece(**columns: list[Any]) -> Piece:
    arrays = {name: pa.array(values) for name, values in columns.items()}
    return Piece({name: arrays[name] for name in ("what", "id") if name in arrays}, len(columns["what"]), 0, arrays)


def test_rows_are_found_again_in_any_order() -> None:
    written = Written(SPEC)
    written.add(piece(what=["A b", "c"], who=["x", "y"], id=["1", ""], n=[7, None]), None)
    written.add(piece(what=["d", "e", "f"], who=["x", "y", "z"], text=["t", "", "u"]), np.array([True, False, True]))
    written.add(piece(what=["g"], who=["z"]), np.array([False]))
    assert written.events(np.array([3, 0, 2, 1])) == [
        WrittenEvent("f", None, {"text": "u"}),
        WrittenEvent("A b", "1", {"n": 7}),
        WrittenEvent("d", None, {"text": "t"}),
        WrittenEvent("c", None, {}),
    ]
    assert written.events(np.zeros(0, np.int64)) == []


def test_what_lies_in_a_container_is_taken_out_and_the_top_comes_first() -> None:
    written = Written(SPEC)
    properties = [{"plan": "pro", "n": 1}, None]
    written.add(
        piece(what=["a", "b"], n=[5, 6], properties=properties, traits=['{"plan": "x", "old": [1, {"a": null}]}', "text"]), None
    )
    first, second = written.events(np.arange(2))
    assert first.properties == {"n": 5, "plan": "pro", "old": [1, {"a": None}]}
    assert second.properties == {"n": 6, "traits": "text"}


def test_values_become_what_json_can_hold() -> None:
    written = Written(SPEC)
    moment = datetime(2026, 5, 1, 9, tzinfo=UTC)
    values = {"m": [moment], "d": [Decimal("2.50")], "x": [float("inf")], "b": [b"raw"], "t": [True], "l": [[0.5, float("nan")]]}
    written.add(piece(what=["a"], **values), None)
    assert written.events(np.arange(1))[0].properties == {
        "m": "2026-05-01T09:00:00+00:00",
        "d": "2.5",
        "t": True,
        "l": [0.5, None],
    }
