from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from features import plan as module
from features.history import EventRow, history_of_rows
from features.plan import Kinds, Plan
from tests.features.worlds import definition

DEFINITION = definition(every_family=False)


def takers(plan, history, row):
    kind = history.kind[row]
    pairs = history.pair_selector[history.kind_at[kind] : history.kind_at[kind + 1]]
    return {plan.selectors[index].key for index in pairs}


def rows(*names, **properties):
    return [EventRow(name, place, place, 1, properties) for place, name in enumerate(names)]


def test_kinds_are_remembered_from_one_history_to_the_next():
    plan = Plan(DEFINITION)
    first = history_of_rows(plan, rows("login", "shared"))
    again = history_of_rows(plan, rows("login", "shared"))
    assert again.kind_at is first.kind_at
    more = history_of_rows(plan, rows("login", "demo_booked"))
    assert more.kind[0] == first.kind[0]
    assert takers(plan, more, 1) == {"any", "sales"}


def test_the_memory_of_names_from_outside_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_MOST_LIVE_PAIRS", 10)
    monkeypatch.setattr(module, "_MOST_NAMES", 10)
    monkeypatch.setattr(module, "_MOST_ANSWERS", 3)
    plan = Plan(DEFINITION)
    for number in range(50):
        history = history_of_rows(plan, rows(f"new {number}", "login", "nps_answered", score=number))
        assert [takers(plan, history, row) >= {"any"} for row in range(3)] == [True] * 3
        assert takers(plan, history, 1) >= {"any", "session"}
        assert len(plan.kinds()) <= 10 + 10


def test_properties_of_any_form_are_asked():
    plan = Plan(DEFINITION)
    told = [9, 9.0, "9", True, [9], {"x": 1}, None, 3]
    history = history_of_rows(plan, [EventRow("nps_answered", at, at, 1, {"score": one}) for at, one in enumerate(told)])
    positive = [takers(plan, history, row) >= {"positive_feedback"} for row in range(len(told))]
    assert positive == [True, True, True, False, False, False, False, False]
    assert takers(plan, history, 7) == {"any", "negative_feedback"}


def test_threads_share_kinds():
    plan = Plan(DEFINITION)
    names = [f"feature.{number}" for number in range(60)] + ["login", "shared", "page:/x"]

    def learn(seed):
        mine = np.random.default_rng(seed).permutation(names).tolist()
        history = history_of_rows(plan, rows(*mine))
        return all(takers(plan, history, row) == expected(name) for row, name in enumerate(mine))

    def expected(name):
        return {"any"} | {"login": {"session"}, "shared": {"advocacy"}, "page:/x": set()}.get(name, {"core_use"})

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(learn, range(64)))


def test_one_name_and_its_selectors_are_one_kind():
    plan = Plan(DEFINITION)
    kinds = Kinds(plan)
    kinds.add(["NPS Answered", "nps_answered"])
    assert kinds.of_name["NPS Answered"] == kinds.of_name["nps_answered"]
    use = plan.use("nps_answered")
    assert kinds.number(use, use.always) == kinds.of_name["nps_answered"]
    assert kinds.asked(kinds.of_name["nps_answered"], {"score": 5}) != kinds.of_name["nps_answered"]
