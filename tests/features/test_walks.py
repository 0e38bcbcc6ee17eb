"""Pieces: however looks are parted, the matrix is the same."""

from __future__ import annotations

import numpy as np
import pytest

from features import walks
from features.catalog import feature_set
from features.clock import DAY_US, NEVER
from features.history import build_history
from features.matrix import compute, compute_in_pieces
from tests.features.oracle import Happened, Story
from tests.features.worlds import NAMES, NASTY, definition, tables, us

FEATURES = feature_set(definition(every_family=False))
BOTH = feature_set(definition(every_family=False, accounts=True))


def some_tables(leads: int = 23):
    random = np.random.default_rng(5)
    told = []
    for lead in range(leads):
        start = NASTY[lead % 2]
        hours = np.sort(random.integers(-40, 300, 0 if lead == 3 else 1 + 3 * (lead % 9)))
        moments = [start + np.timedelta64(int(hour), "h").item() for hour in hours]
        events = [Happened(NAMES[int(random.integers(len(NAMES)))], at, at, 1, {"score": int(at.hour % 11)}) for at in moments]
        account = (None, "one", "two", "three", "one")[lead % 5]
        told.append(Story(start, events, account=account, joined=None if account is None else start))
    return tables(told)


def some_looks(table, each: int = 3):
    random = np.random.default_rng(6)
    lead = random.permutation(np.repeat(np.arange(len(table.leads.ids)), each))
    return lead, table.leads.started_at[lead] + random.integers(0, 14, len(lead)) * DAY_US


@pytest.mark.parametrize("features", [FEATURES, BOTH], ids=["leads", "mates"])
@pytest.mark.parametrize("events", [1, 7, 50])
def test_small_pieces_give_the_same_matrix(monkeypatch, features, events):
    table = some_tables()
    lead, as_of = some_looks(table)
    whole = compute(features, table, lead, as_of)
    monkeypatch.setattr(walks, "PIECE_EVENTS", events)
    assert len([*walks.Source.of(features, table).pieces(lead, as_of)]) > 2
    small = compute(features, table, lead, as_of)
    assert np.array_equal(whole.values, small.values, equal_nan=True)
    assert np.array_equal(whole.features_as_of, small.features_as_of)


@pytest.mark.parametrize("features", [FEATURES, BOTH], ids=["leads", "mates"])
@pytest.mark.parametrize("at_once", [1, 5, 1000])
def test_pieces_of_rows_come_in_their_order(features, at_once):
    table = some_tables()
    lead, as_of = some_looks(table)
    whole = compute(features, table, lead, as_of)
    pieces = [*compute_in_pieces(features, table, lead, as_of, at_once=at_once)]
    assert max(len(piece) for piece in pieces) == min(at_once, len(lead))
    assert np.array_equal(np.concatenate([piece.values for piece in pieces]), whole.values, equal_nan=True)
    assert np.concatenate([piece.lead_index for piece in pieces]).tolist() == lead.tolist()
    assert np.concatenate([piece.labels["country"] for piece in pieces]).tolist() == whole.labels["country"].tolist()


def test_a_history_that_somebody_has_is_used_as_it_is():
    table = some_tables()
    lead, as_of = some_looks(table)
    history = build_history(BOTH.plan, table.events, len(table.leads.ids))
    given, built = compute(BOTH, table, lead, as_of, history=history), compute(BOTH, table, lead, as_of)
    assert np.array_equal(given.values, built.values, equal_nan=True)


def test_a_piece_holds_whole_accounts_and_no_more_leads_than_it_needs(monkeypatch):
    table = some_tables()
    lead = np.array([1, 0, 3])
    monkeypatch.setattr(walks, "PIECE_EVENTS", 1)
    found = {}
    for rows, (own, mates) in walks.Source.of(BOTH, table).pieces(lead, np.full(3, NEVER - 1)):
        found[tuple(lead[rows])] = (len(own.history.offsets) - 1, len(mates.pool.joined), mates.place.tolist())
    one, three = (np.flatnonzero(table.leads.account == name) for name in ("one", "three"))
    assert found == {(0,): (1, 0, [-1]), (1,): (len(one), len(one), [0]), (3,): (len(three), len(three), [0])}


def test_mates_who_are_not_known_yet_are_not_even_read():
    table = some_tables()
    early = np.array([us(NASTY[1]) - 1])
    assert table.leads.account_known[1] > early
    ((_, (own, mates)),) = walks.Source.of(BOTH, table).pieces(np.array([1]), early)
    assert (len(own.history.offsets) - 1, mates.place.tolist()) == (1, [-1])


def test_nobody_to_look_at():
    table = some_tables()
    nothing = np.zeros(0, dtype=np.int64)
    assert compute(BOTH, table, nothing, nothing).values.shape == (0, len(BOTH))
    assert [*compute_in_pieces(BOTH, table, nothing, nothing)] == []
