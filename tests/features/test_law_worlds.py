"""The drawn worlds hold what the laws are about: edges of windows, late messages, people without events, accounts, conditions."""

from __future__ import annotations

from random import Random

import numpy as np

from features.catalog import feature_set
from features.clock import NEVER
from features.feature import window_us
from features.law_worlds import draw_world, properties_of
from features.workspace import parse_workspace
from tests.features.acme import ACME

FEATURES = feature_set(
    parse_workspace(ACME, ".", environment={"HOOK_SECRET": "s"}).definition(vocabulary={"any": ["rarely_used"]})
)
WORLD = draw_world(FEATURES, Random(3), 200)
ROWS = [row for one in WORLD.people for row in one.rows]


def test_events_stand_at_the_edges_of_windows_and_come_late():
    edges = {int(moment) - window_us("7d") for moment in WORLD.as_of}
    assert any(row.at in edges for row in ROWS)
    assert any(row.at - 1 in edges for row in ROWS)
    assert any(row.known > row.at for row in ROWS)
    names = {row.name for row in ROWS}
    assert {"rarely_used", "something_else", "feature_a", "nps_answered"} <= names


def test_conditions_hold_sometimes():
    assert properties_of(FEATURES) == {"amount": [], "duration_s": [], "score": [6, 9]}
    assert {row.properties["score"] for row in ROWS} >= {6, 9, None}


def test_accounts_are_known_and_not_yet_and_never():
    known = [WORLD.live(look).account for look in range(len(WORLD.lead))]
    assert {None if account is None else len(account.members) for account in known} == {None, 2, 3}
    assert any(one.joined > one.started_at for one in WORLD.people)
    assert [len(one.rows) == 0 for one in WORLD.people].count(True) >= 1


def test_tables_hold_the_same_and_count_a_message_once():
    once, twice = WORLD.tables(), WORLD.tables(twice=Random(1))
    assert len(once.events) == len(twice.events) == len(ROWS)
    assert np.array_equal(once.events.at, twice.events.at)
    assert once.leads.account_known[-1] == NEVER
    assert np.all(np.diff(once.events.lead) >= 0)


def test_a_household_keeps_the_accounts_of_its_leads_and_nobody_else():
    part = WORLD.household(np.array([3]))
    assert [one.account for one in part.people] == [None, None, None, "two", "two", None]
    assert part.people[3].rows == WORLD.people[3].rows
    assert not part.people[0].rows
