"""Planted leaks: a simulated world in which ten columns or events know the answer, each of another kind, drawn by a seed.

What is planted has names that give nothing away, except where the name is the leak. Beside the leaks stand honest columns and
events that are as strong as honest ones get. ``audit_power`` measures which of them the audit finds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, MINUTE_US, NEVER
from features.tables import Tables
from features.workspace import Workspace
from features.workspaces.behaviours import Behaviour
from training.metrics import Ints
from training.simulated_tables import tables_of, workspace_of
from training.simulator import simulate

LEADS, DAYS = 1_800, 150
"""The worlds are small: a leak must be found by about a hundred conversions."""

_LAST_WORDS = ("last_seen", "Last Activity", "latest_visit", "son_etkinlik", "letzter Besuch", "zuletztAktiv")
_SCORE_WORDS = ("lead_score", "salesRating", "Quality", "kalite", "müşteri puanı", "Bewertung")
_OWNER_WORDS = ("owner", "account_owner", "dealOwner", "sorumlu", "Betreuer", "assigned_to")
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted thing: its kind, the level at which the audit should find it, and the names that it should name."""

    kind: str
    level: str
    names: tuple[str, ...]


@dataclass(slots=True)
class Garden:
    """A world while things are planted in it."""

    ws: Workspace
    tables: Tables
    rng: np.random.Generator

    @property
    def paid(self) -> NDArray[np.bool_]:
        """Who has converted by the end of the data."""
        known: NDArray[np.bool_] = self.tables.leads.converted_at < NEVER
        return known

    def chance(self, of_payers: float, of_others: float) -> NDArray[np.bool_]:
        """Draw leads, those who pay with one chance and the others with another."""
        drawn: NDArray[np.bool_] = self.rng.random(len(self.paid)) < np.where(self.paid, of_payers, of_others)
        return drawn

    def column(self, name: str, values: NDArray[Any]) -> str:
        """Add an attribute."""
        leads = self.tables.leads
        self.tables = replace(self.tables, leads=replace(leads, attributes={**leads.attributes, name: values}))
        kind = "category" if values.dtype == object else "number"
        self.ws = self.ws.model_copy(update={"attributes": {**self.ws.attributes, name: kind}})
        return name

    def events(self, name: str, lead: Ints, at: Ints) -> str:
        """Add events of a new name, and map it as a behaviour of its own; what the data do not reach any more is left out."""
        old = self.tables.events
        inside = at <= self.tables.newest
        lead, at = lead[inside], at[inside]
        names = sorted((*old.names, name))
        moved = np.array([names.index(one) for one in old.names], dtype=np.int32)[old.name]
        new = np.full(len(lead), names.index(name), dtype=np.int32)
        leads, times = np.concatenate([old.lead, lead.astype(np.int32)]), np.concatenate([old.at, at])
        order = np.lexsort((times, leads))
        grown = replace(
            old,
            lead=leads[order],
            name=np.concatenate([moved, new])[order],
            names=names,
            at=times[order],
            known=np.concatenate([old.known, at])[order],
            count=np.ones(len(order), dtype=np.int64),
            properties={key: np.append(column, np.full(len(lead), np.nan))[order] for key, column in old.properties.items()},
        )
        self.tables = replace(self.tables, events=grown)
        behaviour = Behaviour.model_validate({"events": (name,), "phrase": "did something"})
        self.ws = self.ws.model_copy(update={"behaviours": {**self.ws.behaviours, f"of_{name}": behaviour}})
        return name


def clean_world(seed: int) -> tuple[Workspace, Tables]:
    """Return a small simulated world in which nothing leaks, with honest columns and events that say much."""
    garden = _garden(seed)
    return garden.ws, garden.tables


def leaky_world(seed: int) -> tuple[Workspace, Tables, tuple[Planted, ...]]:
    """Return the same world with one leak of every kind."""
    garden = _garden(seed)
    planted = tuple(plant(garden) for plant in KINDS.values())
    return garden.ws, garden.tables, planted


def _garden(seed: int) -> Garden:
    world = simulate(seed, leads=LEADS, days=DAYS)
    garden = Garden(workspace_of(world), tables_of(world), np.random.default_rng([seed, 1]))
    _honest(garden)
    return garden


def _honest(garden: Garden) -> None:
    """Plant what must not be taken for a leak: intent just before paying, a milestone, good sources, a form field."""
    rng, leads, paid = garden.rng, garden.tables.leads, garden.paid
    some = np.flatnonzero(paid & garden.chance(0.6, 0.0))
    before = leads.converted_at[some] - (rng.exponential(30.0, len(some)) * MINUTE_US).astype(np.int64) - MINUTE_US
    others = np.flatnonzero(~paid & garden.chance(0.0, 0.1))
    at = leads.started_at[others] + (rng.random(len(others)) * 14 * DAY_US).astype(np.int64)
    garden.events("cart_seen", np.concatenate([some, others]), np.concatenate([before, at]))
    reached = np.flatnonzero(garden.chance(0.85, 0.3))
    until = np.minimum(leads.converted_at[reached], leads.started_at[reached] + 10 * DAY_US)
    at = leads.started_at[reached] + (rng.random(len(reached)) * (until - leads.started_at[reached])).astype(np.int64)
    garden.events("first_goal", reached, at)
    sources = np.where(garden.chance(0.5, 0.1), "friend", rng.choice(["fair", "poster", "radio"], len(paid)))
    garden.column("heard_from", sources.astype(object))
    garden.column("seats_wanted", np.round(np.exp(rng.normal(np.where(paid, 2.2, 1.5), 0.8))))
    garden.column("region", _texts(garden, ["north", "south"], garden.chance(0.85, 0.6)))


def _label_copy(garden: Garden) -> Planted:
    flipped = garden.paid ^ garden.chance(*garden.rng.uniform(0.0, 0.1, 2))
    values = np.where(flipped, "y", "n").astype(object) if garden.rng.random() < 0.5 else flipped * 1.0
    return Planted("label copy with noise", "leak", (garden.column("field_a", values),))


def _status(garden: Garden) -> Planted:
    """Plant what billing writes: a status of everybody, or the plan of most who pay."""
    rng, paid = garden.rng, garden.paid
    if rng.random() < 0.5:
        unpaid = np.where(garden.tables.leads.ended_at < NEVER, "gone", rng.choice(["new", "open"], len(paid)))
        values = np.where(paid & garden.chance(rng.uniform(0.85, 1.0), 0.0), "in", unpaid).astype(object)
    else:
        plans = rng.choice(["m", "l", "xl"], len(paid), p=[0.6, 0.3, 0.1])
        values = np.where(garden.chance(rng.uniform(0.5, 0.9), 0.001), plans, "s").astype(object)
    return Planted("status or plan written at conversion", "leak", (garden.column("field_b", values),))


def _count(garden: Garden) -> Planted:
    """Plant how often a lead has done something in its whole life, as an export of today says it."""
    events, rng = garden.tables.events, garden.rng
    counted = np.ones(len(events), dtype=bool) if rng.random() < 0.5 else events.name == np.bincount(events.name).argmax()
    total = np.bincount(events.lead[counted], minlength=len(garden.paid))
    noisy = np.round(total * np.exp(rng.normal(0.0, rng.uniform(0.0, 0.4), len(total))))
    return Planted("count over the whole life", "leak", (garden.column("field_c", noisy),))


def _last_activity(garden: Garden) -> Planted:
    events, leads = garden.tables.events, garden.tables.leads
    last = leads.started_at.copy()
    np.maximum.at(last, events.lead, events.at)
    name = garden.column(_word(garden, _LAST_WORDS), np.datetime_as_string(last.astype("datetime64[us]"), "s").astype(object))
    return Planted("date of the last activity", "ask", (name,))


def _score(garden: Garden) -> Planted:
    values = np.clip(np.round(garden.rng.normal(np.where(garden.paid, 60.0, 45.0), 15.0)), 0, 100)
    return Planted("score from sales", "ask", (garden.column(_word(garden, _SCORE_WORDS), values),))


def _owner(garden: Garden) -> Planted:
    """Plant who was given the lead, mostly after it paid; half of the time the name says nothing, only the gaps do."""
    values = _texts(
        garden, ["p1", "p2", "p3", "p4"], garden.chance(garden.rng.uniform(0.6, 0.85), garden.rng.uniform(0.04, 0.15))
    )
    name = _word(garden, _OWNER_WORDS) if garden.rng.random() < 0.5 else "field_d"
    return Planted("owner assigned after", "ask", (garden.column(name, values),))


def _together(garden: Garden) -> Planted:
    rng, n = garden.rng, len(garden.paid)
    there = garden.chance(*rng.uniform(0.2, 0.8, 2))
    numbers = [np.where(there, rng.integers(1, 20, n) + shift, np.nan) for shift in (0.0, 10.0)]
    texts = _texts(garden, ["1", "2", "3"], there)
    names = [garden.column(f"field_{letter}", values) for letter, values in zip("efg", (*numbers, texts), strict=True)]
    return Planted("columns filled together later", "ask", tuple(names))


def _at_conversion(garden: Garden) -> Planted:
    rng, at = garden.rng, garden.tables.leads.converted_at
    some = np.flatnonzero(garden.paid & garden.chance(rng.uniform(0.5, 1.0), 0.0))
    lag = (rng.normal(5.0, 20.0, len(some)) * _SECOND_US).astype(np.int64)
    few = np.flatnonzero(~garden.paid & garden.chance(0.0, 0.003))
    noise = garden.tables.leads.started_at[few] + (rng.random(len(few)) * 14 * DAY_US).astype(np.int64)
    name = garden.events("thing_x", np.concatenate([some, few]), np.concatenate([at[some] + lag, noise]))
    return Planted("event at the conversion", "leak", (name,))


def _dated_back(garden: Garden) -> Planted:
    rng, leads = garden.rng, garden.tables.leads
    some = np.flatnonzero(garden.paid & garden.chance(rng.uniform(0.5, 1.0), 0.0))
    back = np.minimum(rng.uniform(0.05, 3.0, len(some)) * DAY_US, 0.9 * (leads.converted_at - leads.started_at)[some])
    name = garden.events("thing_y", some, leads.converted_at[some] - back.astype(np.int64))
    return Planted("event that follows, dated back", "leak", (name,))


def _stops(garden: Garden) -> Planted:
    """Plant something that a lead has on most days until it pays, and never again."""
    rng, leads = garden.rng, garden.tables.leads
    day = leads.started_at[:, None] + np.arange(60) * DAY_US + (rng.random((len(leads), 60)) * DAY_US).astype(np.int64)
    stop = np.minimum(leads.converted_at, leads.ended_at)
    lead, age = np.nonzero((day < stop[:, None]) & (rng.random(day.shape) < rng.uniform(0.3, 0.7)))
    return Planted("activity that stops at the conversion", "leak", (garden.events("thing_z", lead, day[lead, age]),))


def _texts(garden: Garden, choices: list[str], there: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Draw texts, None where there is none."""
    texts = garden.rng.choice(choices, len(there)).astype(object)
    texts[~there] = None
    return texts


def _word(garden: Garden, words: tuple[str, ...]) -> str:
    return words[int(garden.rng.integers(len(words)))]


KINDS: dict[str, Callable[[Garden], Planted]] = {
    plant.__name__.strip("_"): plant
    for plant in (
        _label_copy, _status, _count, _last_activity, _score, _owner, _together, _at_conversion, _dated_back, _stops,
    )
}  # fmt: skip
"""The ten kinds, in the order in which they are planted."""
