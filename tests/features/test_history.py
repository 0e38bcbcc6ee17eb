from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from features.exact import MISSING
from features.history import EventRow, Plan, build_history, event_offsets, history_of_leads, history_of_rows, sorted_history
from tests.features.worlds import definition

PLAN = Plan(definition(every_family=False))
KEYS = [selector.key for selector in PLAN.selectors]


def takers(history, row):
    kind = history.kind[row]
    return {KEYS[index] for index in history.pair_selector[history.kind_at[kind] : history.kind_at[kind + 1]]}


def events(**more):
    base = {
        "lead": np.array([0, 0, 2], dtype=np.int32),
        "name": np.array([1, 0, 1], dtype=np.int32),
        "names": ["login", "nps_answered"],
        "at": np.array([1, 2, 3], dtype=np.int64),
        "known": np.array([1, 5, 3], dtype=np.int64),
        "count": np.array([1, 10**12, 1], dtype=np.int64),
        "properties": {},
    }
    return SimpleNamespace(**{**base, **more})


def test_offsets_say_whose_events_they_are():
    assert build_history(PLAN, events(), 4).offsets.tolist() == [0, 2, 2, 3, 3]


def test_no_events_and_no_names():
    nothing = np.zeros(0, dtype=np.int64)
    empty = events(lead=nothing, name=nothing, names=[], at=nothing, known=nothing, count=nothing)
    history = build_history(PLAN, empty, 2)
    assert history.offsets.tolist() == [0, 0, 0]
    assert len(history_of_rows(PLAN, []).at) == 0


def test_conditions_in_columns_of_any_form_agree_with_rows():
    scores = [10, None, 3]
    forms = [
        np.array([10.0, np.nan, 3.0]),
        np.array(["10", None, "3"], dtype=object),
        np.array([10, None, 3.0], dtype=object),
        pa.array(scores),
        pa.chunked_array([pa.array(["10", None]), pa.array(["3"])]),
    ]
    for form in forms:
        history = build_history(PLAN, events(name=np.array([1, 1, 1]), properties={"score": form}), 3)
        assert [takers(history, row) for row in range(3)] == [
            {"any", "positive_feedback", "advocacy"},
            {"any"},
            {"any", "negative_feedback"},
        ]
    rows = [EventRow("NPS Answered", at, at, 1, {"score": score}) for at, score in enumerate(scores)]
    live = history_of_rows(PLAN, rows)
    assert takers(live, 0) == {"any", "positive_feedback", "advocacy"}
    assert takers(live, 1) == {"any"}


def test_a_condition_on_a_property_that_no_column_has_is_never_met():
    history = build_history(PLAN, events(), 3)
    assert takers(history, 0) == {"any"}


def test_one_name_has_one_slot_for_each_selector_whatever_its_properties():
    history = build_history(PLAN, events(name=np.array([1, 1, 1]), properties={"score": np.array([10.0, 3.0, 9.0])}), 3)
    slots = {}
    for row in range(3):
        kind = history.kind[row]
        for pair in range(history.kind_at[kind], history.kind_at[kind + 1]):
            slots.setdefault(KEYS[history.pair_selector[pair]], set()).add(int(history.pair_slot[pair]))
    assert all(len(found) == 1 for found in slots.values())
    assert len({slot for found in slots.values() for slot in found}) == len(slots)


def test_rows_in_any_order_become_sorted_columns():
    rows = [EventRow("login", at, at + 1, 2, {"secs": at / 2}) for at in (5, 3, 9)]
    history = history_of_rows(PLAN, rows)
    assert [column.tolist() for column in history_of_rows(PLAN, [tuple(row) for row in rows])] == [
        one.tolist() for one in history
    ]
    assert history.at.tolist() == [3, 5, 9]
    assert history.known.tolist() == [4, 6, 10]
    assert history.numbers[PLAN.column("secs", 3)].tolist() == [1500, 2500, 4500]


def test_numbers_are_read_from_floats_texts_and_arrow_alike():
    row = PLAN.column("secs", 3)
    for form in (np.array([1.5, np.nan, 2.0]), np.array(["1.5", "x", "2"], dtype=object), pa.array([1.5, None, 2.0])):
        history = build_history(PLAN, events(properties={"secs": form}), 3)
        assert history.numbers[row].tolist() == [1500, MISSING, 2000]
    assert PLAN.column(None, 3) == -1


def test_a_count_is_limited_and_columns_are_plain():
    at = np.array([1, 2, 3], dtype=np.int64)
    at.flags.writeable = False
    history = build_history(PLAN, events(at=at), 3)
    assert history.times.tolist() == [1, 10**9, 1]
    assert history.at.flags.writeable


def test_a_history_of_some_leads_is_their_part_of_the_whole():
    random = np.random.default_rng(0)
    lead = np.sort(random.integers(0, 9, 40)).astype(np.int32)
    scores = [None if number % 3 == 0 else float(number % 11) for number in range(40)]
    for form in (np.array(scores, dtype=object), np.array(scores, dtype=np.float64), pa.array(scores)):
        at = np.arange(40, dtype=np.int64)
        table = events(
            lead=lead, name=random.integers(0, 2, 40), at=at, known=at + 1, count=at + 2, properties={"score": form, "secs": form}
        )
        whole = build_history(PLAN, table, 9)
        offsets = event_offsets(table, 9)
        for leads in ([0], [3, 4, 5], [1, 4, 8], []):
            part = history_of_leads(PLAN, table, offsets, np.array(leads, dtype=np.int64))
            rows = [row for place in leads for row in range(offsets[place], offsets[place + 1])]
            assert np.diff(part.offsets).tolist() == [int((lead == place).sum()) for place in leads]
            for name in ("at", "known", "times", "day", "bits"):
                assert getattr(part, name).tolist() == getattr(whole, name)[rows].tolist()
            assert part.numbers.tolist() == whole.numbers[:, rows].tolist()
            assert [takers(part, place) for place in range(len(rows))] == [takers(whole, row) for row in rows]


def test_rows_of_one_instant_keep_their_order():
    rows = [EventRow(name, at, at, 1, {}) for name, at in (("a", 2), ("b", 1), ("c", 2), ("d", 1))]
    history, order = sorted_history(PLAN, rows)
    assert order is not None
    assert order.tolist() == [1, 3, 0, 2]
    assert sorted_history(PLAN, [rows[place] for place in order])[1] is None
    assert history.at.tolist() == [1, 1, 2, 2]


def test_numbers_that_no_double_holds_are_missing():
    values = [10**400, 3, float("inf"), -(10**400), True, 0.5]
    history = history_of_rows(PLAN, [EventRow("login", at, at, 1, {"secs": value}) for at, value in enumerate(values)])
    assert history.numbers[PLAN.column("secs", 3)].tolist() == [MISSING, 3000, MISSING, MISSING, 1000, 500]
