"""Account mates: the other leads of an account, whose events are looked at together, as one pooled history.

A lead's mates as of an instant are those whose membership of its account was known by then, whatever became of them. At most the
200 most recently active count; the kernel chooses them, look by look, out of the pool of the whole account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.arrays import History, Pool
from features.clock import NEVER
from features.history import Plan, Row, sorted_history

if TYPE_CHECKING:
    from features.tables import Leads

I8 = NDArray[np.int64]

NOBODY = Pool(*(np.zeros(0, dtype=np.int64) for _ in Pool._fields))
"""The pool of a history of leads."""


@dataclass(frozen=True, slots=True)
class LiveMate:
    """One lead of an account, with what is stored of its events."""

    lead_id: str
    joined: int
    """When its membership of the account became known."""
    events: Sequence[Row]


class LiveAccount:
    """The leads of one account, whose events are pooled once, however many of them are looked at.

    Who is looked at may be among them: nobody is a mate of its own.
    """

    __slots__ = ("_numbers", "_pooled", "members")

    def __init__(self, members: Iterable[LiveMate]) -> None:
        self.members = sorted(members, key=lambda member: member.lead_id)
        self._numbers = {member.lead_id: number for number, member in enumerate(self.members)}
        self._pooled: tuple[Plan, History, Pool] | None = None

    def number(self, lead_id: str) -> int:
        """Return the number of a lead among the members of the pool, or -1."""
        return self._numbers.get(lead_id, -1)

    def pooled(self, plan: Plan) -> tuple[History, Pool]:
        """Return the events of all members as one history, and whose they are; the pool of the last plan is remembered."""
        if self._pooled is None or self._pooled[0] is not plan:
            self._pooled = (plan, *_pooled_rows(plan, self.members))
        return self._pooled[1:]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Which leads of a table belong together."""

    of_lead: I8
    """Of each lead, the number of its account, or -1."""
    known: I8
    """When each membership became known; NEVER where there is none."""
    offsets: I8
    """The members of account i are those from offsets[i] to offsets[i + 1]."""
    members: I8
    """Leads, ascending within their account."""

    @classmethod
    def of(cls, leads: Leads) -> Accounts:
        """Read who belongs to which account."""
        numbers: dict[object, int] = {}
        of_lead = np.fromiter(
            (numbers.setdefault(account, len(numbers)) if account else -1 for account in leads.account),
            np.int64,
            len(leads.account),
        )
        belonging = np.flatnonzero(of_lead >= 0)
        members = belonging[np.argsort(of_lead[belonging], kind="stable")]
        offsets = np.searchsorted(of_lead[members], np.arange(len(numbers) + 1)).astype(np.int64)
        return cls(of_lead, np.where(of_lead >= 0, leads.account_known, NEVER), offsets, members)

    def members_of(self, accounts: I8) -> I8:
        """Return the leads of some accounts, account by account."""
        return self.members[ranges(self.offsets[accounts], self.offsets[accounts + 1])]


def ranges(first: I8, last: I8) -> I8:
    """Return the numbers of several ranges, one range after the other."""
    sizes = last - first
    ends = np.cumsum(sizes)
    return np.repeat(first - ends + sizes, sizes) + np.arange(ends[-1] if len(ends) else 0)


def pooled(history: History, leads: I8, accounts: Accounts, wanted: I8) -> tuple[History, Pool]:
    """Pool the events of some accounts, out of a history of some leads in ascending order, all their members among them."""
    members = accounts.members_of(wanted)
    sizes = accounts.offsets[wanted + 1] - accounts.offsets[wanted]
    account = np.repeat(np.arange(len(wanted)), sizes)
    # Members are taken backward, since events of one instant stand in the reverse order of their members.
    backward = np.lexsort((-members, account))
    places = np.searchsorted(leads, members[backward])
    first, last = history.offsets[places], history.offsets[places + 1]
    rows = ranges(first, last)
    member = np.repeat(backward, last - first)
    order = _in_time(account[member], history.at[rows])
    rows, member = rows[order], member[order]
    pool = Pool(_offsets(sizes), accounts.known[members], member)
    offsets = np.searchsorted(account[member], np.arange(len(wanted) + 1)).astype(np.int64)
    return _rows_of(history, rows, offsets), pool


def _in_time(account: I8, at: I8) -> NDArray[np.intp]:
    """Return the order by account and time; of one instant, as they stand."""
    if len(at) == 0:
        return np.zeros(0, dtype=np.intp)
    first, span = int(at.min()), int(at.max()) - int(at.min()) + 1
    if (int(account[-1]) + 1) * span < NEVER:  # one number to sort by, which is much faster, as long as it has the room
        return np.argsort(account * span + (at - first), kind="stable")
    return np.lexsort((at, account))


def _pooled_rows(plan: Plan, members: Sequence[LiveMate]) -> tuple[History, Pool]:
    """Pool the stored events of the members of one account, in the order of their ids."""
    backward = range(len(members) - 1, -1, -1)  # events of one instant stand in the reverse order of their members
    history, order = sorted_history(plan, [*chain.from_iterable(members[number].events for number in backward)])
    member = np.repeat(np.array(backward, dtype=np.int64), [len(members[number].events) for number in backward])
    joined = np.array([one.joined for one in members], dtype=np.int64)
    return history, Pool(np.array([0, len(members)], dtype=np.int64), joined, member if order is None else member[order])


def _rows_of(history: History, rows: I8, offsets: I8) -> History:
    """Return other rows of a history, in another order."""
    return history._replace(
        offsets=offsets,
        at=history.at[rows],
        known=history.known[rows],
        kind=history.kind[rows],
        times=history.times[rows],
        day=history.day[rows],
        bits=history.bits[rows],
        numbers=np.ascontiguousarray(history.numbers[:, rows]),
    )


def _offsets(sizes: I8) -> I8:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
