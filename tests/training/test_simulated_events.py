"""What the simulated product lets us see: every behaviour, at plausible times, some late and some twice."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

import numpy as np
import pytest
import yaml

from features.clock import DAY_US, HOUR_US, NEVER
from training.simulated_events import EventColumns
from training.simulated_files import _WORKSPACE
from training.simulated_names import ANY_DAY, EVENT_NAMES, IN_A_VISIT, spelt_by_an_old_client
from training.simulated_product import ACTIVATED_OF, ENGAGEMENT_OF, INTENT_OF
from training.simulator import World, simulate

UNMAPPED = {"heartbeat", "page:/settings", "tooltip_shown", "theme_changed", "sync_finished"}


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(7, leads=3_000)


def named(events: EventColumns, wanted: Callable[[str], bool]) -> np.ndarray:
    return np.array([wanted(name) for name in EVENT_NAMES])[events.name]


def test_all_sixteen_behaviours_happen_and_only_noise_is_unmapped(world: World) -> None:
    behaviours = yaml.safe_load(_WORKSPACE.format(seed=1, leads=1, until=""))["behaviours"]
    assert len(behaviours) == 16
    names = {EVENT_NAMES[code] for code in np.unique(world.events.name)}
    unmapped = set(names)
    for spec in behaviours.values():
        patterns = [entry if isinstance(entry, str) else entry["event"] for entry in spec["events"]]
        mine = {name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)}
        assert len(mine) >= 2, spec
        unmapped -= mine
    assert unmapped == UNMAPPED
    assert sum(name.startswith("feature.") for name in names) >= 10


def test_values_are_carried_where_they_belong(world: World) -> None:
    events = world.events
    opens = named(events, lambda name: name in ("app_opened", "login"))
    assert (np.isfinite(events.duration_s) == opens).all()
    assert (np.isfinite(events.amount) == named(events, lambda name: name.endswith("_bought"))).all()
    assert (np.isfinite(events.score) == named(events, lambda name: name == "nps_answered")).all()
    scores = events.score[np.isfinite(events.score)]
    assert scores.min() >= 0
    assert scores.max() <= 10
    assert (scores >= 9).any()
    assert (scores <= 6).any()
    amounts = events.amount[np.isfinite(events.amount)]
    assert np.allclose(amounts * 100, np.round(amounts * 100), atol=1e-6)


def test_events_lie_between_start_and_end_and_arrive_after_they_happened(world: World) -> None:
    events, lead = world.events, world.events.lead
    assert (events.at > world.leads.started_at[lead]).all()
    assert (events.at <= world.lives.ended_at[lead]).all()
    assert (events.received_at >= events.at).all()
    assert (events.received_at <= world.until).all()
    assert (np.diff(events.received_at) >= 0).all()
    assert (events.at % 1000 == 0).all()


def test_some_are_late_and_some_come_twice(world: World) -> None:
    events = world.events
    late = (events.received_at - events.at > 5 * HOUR_US).mean()
    assert 0.005 < late < 0.05
    message, times = np.unique(events.message, return_counts=True)
    assert set(times) == {1, 2}
    assert 0.005 < (times == 2).mean() < 0.02
    twice = events.rows(np.isin(events.message, message[times == 2]))
    order = np.argsort(twice.message, kind="stable")
    for column in ("lead", "name", "at", "duration_s", "amount", "score"):
        values = getattr(twice, column)[order].reshape(-1, 2)
        assert np.array_equal(values[:, 0], values[:, 1], equal_nan=column in ("duration_s", "amount", "score")), column


def test_nights_and_weekends_are_quiet(world: World) -> None:
    local = world.events.at + world.leads.utc_offset_h[world.events.lead] * HOUR_US
    weekend = ((local // DAY_US + 3) % 7 >= 5).mean()
    night = (local % DAY_US // HOUR_US < 6).mean()
    assert 0.08 < weekend < 0.22
    assert 0.02 < night < 0.15


def test_a_first_project_marks_the_activation(world: World) -> None:
    events = world.events
    project = events.rows(named(events, lambda name: name == "project_created"))
    day = np.maximum(-((world.leads.started_at[project.lead] - project.at) // DAY_US) - 1, 0)
    on_day = world.lives.states[project.lead, np.minimum(day, world.lives.states.shape[1] - 1)]
    assert ACTIVATED_OF[on_day].mean() > 0.99
    activated = (ACTIVATED_OF[world.lives.states[:, 7]] == 1) & (world.leads.started_at + 9 * DAY_US < world.until)
    activated &= world.lives.ended_at == NEVER
    assert np.isin(np.flatnonzero(activated), project.lead).mean() > 0.97  # a few first projects are still on their way


def test_states_show_in_the_events() -> None:
    rates = {emission.name: emission.of_state() for emission in IN_A_VISIT + ANY_DAY}
    pricing = rates["page:/pricing"]
    assert pricing[INTENT_OF == 2].min() > 10 * pricing[INTENT_OF == 0].max()
    assert rates["feature.report"][ENGAGEMENT_OF == 3].mean() > 3 * rates["feature.report"][ENGAGEMENT_OF == 0].mean()
    assert len(set(rates["heartbeat"])) == 1


def test_an_old_client_spells_names_that_fold_together() -> None:
    for name in EVENT_NAMES:
        folded = spelt_by_an_old_client(name).lower().replace(" ", "_")
        assert folded == name.replace(".", "_")
