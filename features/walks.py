"""Walks: over which events the kernel goes for some looks, those of the leads and, pooled, those of their account mates.

The histories of a table are never built as a whole: looks are taken piece by piece, leads or whole accounts at a time, and a
piece holds the events of its leads and of their mates only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.arrays import History, Pool
from features.feature import FeatureSet
from features.history import EventRow, Plan, event_offsets, history_of_leads, history_of_rows
from features.layout import Program
from features.mates import NOBODY, Accounts, LiveAccount, pooled

if TYPE_CHECKING:
    from features.tables import Events, Tables

I8 = NDArray[np.int64]

PIECE_EVENTS = 500_000
"""A piece holds about so many events, except that an account is never parted."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One program over one history, for some looks."""

    program: Program
    history: History
    pool: Pool
    place: I8
    """Of each look, the place in the history, or -1."""
    lead: I8
    """Of each look, the lead: its place among the members of the pool, where there is one."""

    @classmethod
    def of_lead(cls, plan: Plan, program: Program, events: Sequence[EventRow]) -> Walk:
        """Walk over the stored events of one lead, for one look."""
        one = np.zeros(1, dtype=np.int64)
        return cls(program, history_of_rows(plan, events), NOBODY, one, one)

    @classmethod
    def of_mates(cls, plan: Plan, program: Program, account: LiveAccount, lead_id: str) -> Walk:
        """Walk over the stored events of the mates of one lead, for one look."""
        history, pool = account.pooled(plan)
        return cls(program, history, pool, np.zeros(1, dtype=np.int64), np.array([account.number(lead_id)], dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Source:
    """Where the histories of the leads of some tables come from."""

    features: FeatureSet
    events: Events
    offsets: I8
    """The events of lead i are those from offsets[i] to offsets[i + 1]."""
    accounts: Accounts | None
    whole: History | None

    @classmethod
    def of(cls, features: FeatureSet, tables: Tables, whole: History | None = None) -> Source:
        """Get ready to look at the leads of some tables; `whole` is the history of all of them, where somebody has it."""
        accounts = Accounts.of(tables.leads) if features.over_mates else None
        offsets = event_offsets(tables.events, len(tables.leads.ids)) if whole is None else whole.offsets
        return cls(features, tables.events, offsets, accounts, whole)

    def pieces(self, lead: I8, as_of: I8) -> Iterator[tuple[I8, list[Walk]]]:
        """Part some looks into pieces; yield which they are and the walks for them."""
        group, costs = lead, np.diff(self.offsets)
        if self.accounts is not None:
            of_lead = self.accounts.of_lead
            group = np.where(of_lead >= 0, of_lead, len(of_lead) + np.arange(len(of_lead)))[lead]
            together = np.bincount(of_lead[of_lead >= 0], costs[of_lead >= 0], minlength=len(of_lead)).astype(np.int64)
            costs = np.concatenate([together, costs])
        order = np.lexsort((as_of, lead, group))
        group = group[order]
        first = np.flatnonzero(np.diff(group, prepend=-1))
        piece = np.cumsum(costs[group[first]]) // PIECE_EVENTS
        cuts = first[1:][np.diff(piece) > 0] if self.whole is None else first[:0]
        for rows in np.split(order, cuts):
            if len(rows):
                yield rows, self._walks(lead[rows], as_of[rows])

    def _walks(self, lead: I8, as_of: I8) -> list[Walk]:
        leads = np.arange(len(self.offsets) - 1) if self.whole is not None else np.unique(lead)
        wanted = np.zeros(0, dtype=np.int64)
        if self.accounts is not None:
            account = np.where(self.accounts.known[lead] <= as_of, self.accounts.of_lead[lead], -1)
            wanted = np.unique(account[account >= 0])
            leads = np.union1d(leads, self.accounts.members_of(wanted))
        history = self.whole or history_of_leads(self.features.plan, self.events, self.offsets, leads)
        place = np.searchsorted(leads, lead)
        walks = [Walk(self.features.program, history, NOBODY, place, place)]
        if self.accounts is not None:
            members = self.accounts.members_of(wanted)
            at = np.full(len(leads), -1, dtype=np.int64)
            at[np.searchsorted(leads, members)] = np.arange(len(members))
            place_of_account = np.where(account >= 0, np.searchsorted(wanted, account), -1)
            walks.append(
                Walk(self.features.mates_program, *pooled(history, leads, self.accounts, wanted), place_of_account, at[place])
            )
        return walks
