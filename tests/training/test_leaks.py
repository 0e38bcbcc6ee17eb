"""What is planted is there, knows the answer as it should, and grows in the same world as the honest things."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from features.clock import DAY_US, NEVER
from features.tables import Tables
from features.workspace import Workspace
from features.workspaces.behaviours import Behaviour
from training.audit_words import telling_word
from training.leaks import Garden, Planted, clean_world, leaky_world

SEED = 6


@cache
def leaky() -> tuple[Workspace, Tables, tuple[Planted, ...]]:
    return leaky_world(SEED)


def since_payment(name: str) -> np.ndarray:
    """Return the days from the conversion to each event of a name; leads that did not convert are left out."""
    _, tables, _ = leaky()
    events = tables.events
    rows = np.flatnonzero(events.name == events.names.index(name))
    paid = tables.leads.converted_at[events.lead[rows]]
    return (events.at[rows] - paid)[paid < NEVER] / DAY_US


def test_events_around_the_conversion() -> None:
    assert np.abs(since_payment("thing_x")).max() < 0.01
    assert since_payment("thing_y").max() < 0
    assert since_payment("thing_z").max() < 0
    assert (since_payment("cart_seen") < 0).all()


def test_names_give_leaks_away_only_where_the_name_is_the_leak() -> None:
    ws, _, planted = leaky()
    for one in planted:
        if one.level == "leak":
            assert not any(telling_word(name) for name in one.names)
    assert sum(any(telling_word(name) for name in one.names) for one in planted) >= 2
    assert all(
        name in ws.attributes or Behaviour.model_validate({"events": (name,)}).events for one in planted for name in one.names
    )


def test_the_world_around_is_the_same() -> None:
    ws, tables, planted = leaky()
    clean_ws, clean = clean_world(SEED)
    names = {name for one in planted for name in one.names}
    assert ws.attributes.keys() - clean_ws.attributes.keys() == names - set(tables.events.names)
    assert set(tables.events.names) - set(clean.events.names) == {"thing_x", "thing_y", "thing_z"}
    assert (tables.leads.converted_at == clean.leads.converted_at).all()
    assert (np.lexsort((tables.events.at, tables.events.lead)) == np.arange(len(tables.events))).all()


@pytest.mark.parametrize("chances", [(1.0, 0.0), (0.0, 1.0)])
def test_a_chance_for_those_who_pay_and_one_for_the_others(chances: tuple[float, float]) -> None:
    ws, tables = clean_world(SEED)
    garden = Garden(ws, tables, np.random.default_rng(0))
    assert (garden.chance(*chances) == (garden.paid if chances[0] else ~garden.paid)).all()
    assert garden.column("new", np.zeros(len(tables.leads))) == "new"
    assert garden.ws.attributes["new"] == "number"
    assert "new" not in ws.attributes
