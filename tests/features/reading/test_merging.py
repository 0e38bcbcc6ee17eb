from __future__ import annotations

import numpy as np

from features.clock import NEVER
from features.reading.conversions_table import Payments
from features.reading.events_table import EventRows
from features.reading.identities_table import Merges
from features.reading.merging import Merging

# Four ids at the places 0 to 3 of the index, which stand in the reverse order of their texts: 1 and 2 turned out to be 0.
ORDER = np.array([3, 2, 1, 0], np.int32)
MERGES = Merges(np.array([1, 2]), np.array([0, 0]), np.array([50, 70]))
MERGING = Merging.of(MERGES, ORDER, 4)
NOBODY = Merging.of(Merges(), ORDER, 4)


def events(lead: list[int], at: list[int]) -> EventRows:
    instants, name = np.array(at), np.zeros(len(at), np.int32)
    return EventRows(["x"], np.array(lead, np.int32), name, instants, instants, np.ones(len(at), np.int64), None, {})


def test_events_count_from_when_it_is_known_whose_they_are() -> None:
    rows = events([3, 2, 1, 0], [10, 20, 90, 40])
    begins = MERGING.events(rows)
    assert rows.lead.tolist() == [3, 3, 3, 0]
    assert (rows.at.tolist(), rows.known.tolist()) == ([10, 20, 90, 40], [10, 50, 90, 40])
    assert begins is not None
    assert begins.tolist() == [10, 50, 90, 40]


def test_where_nobody_was_merged_nothing_is_touched() -> None:
    rows = events([3, 2], [10, 20])
    assert NOBODY.events(rows) is None
    assert rows.known is rows.at
    account, known = np.array(["x", None, None, None], object), np.array([5, NEVER, NEVER, NEVER])
    assert NOBODY.accounts(account, known)[0] is account


def test_payments_go_over() -> None:
    paid = MERGING.payments(Payments(np.array([1, 3]), np.array([5, 6]), np.array([80, 6])))
    assert (paid.lead.tolist(), paid.at.tolist(), paid.known.tolist()) == ([3, 3], [5, 6], [80, 6])


def test_the_account_that_was_known_first_counts_and_of_two_its_own() -> None:
    def first(*known: int) -> tuple[list[object], list[int]]:
        account = np.array([None if one >= NEVER else f"of {i}" for i, one in enumerate(known)], object)
        found, since = MERGING.accounts(account, np.array(known))
        return found.tolist(), since.tolist()

    assert first(9, NEVER, NEVER, 60) == (["of 0", None, None, "of 3"], [9, NEVER, NEVER, 60])
    assert first(NEVER, 1, 1, 60)[0] == [None, None, None, "of 2"]
    assert first(NEVER, 1, 1, 50) == ([None, None, None, "of 3"], [NEVER, NEVER, NEVER, 50])
    assert first(NEVER, 1, NEVER, NEVER) == ([None, None, None, "of 1"], [NEVER, NEVER, NEVER, 70])
