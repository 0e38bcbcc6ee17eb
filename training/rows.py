"""Who is looked at, when, and did they convert: the rows before any feature is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, HOUR_US, NEVER
from features.tables import Leads

Ints = NDArray[np.int64]

UNDATED_AS_OF = 0
"""Rows of a table without dates have no instant; none of their features depends on one."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Looks at leads, ordered by lead and look; one entry each."""

    lead: Ints
    """Position in the leads table, which is sorted by id."""
    look: Ints
    as_of: Ints
    started_at: Ints
    mature_at: Ints
    """When the outcome is known for certain, whatever it is."""
    outcome: Ints
    weight: NDArray[np.float64]
    cluster: Ints
    """The account, or the lead itself where it has none: who decides together."""

    def __len__(self) -> int:
        return len(self.lead)

    def take(self, positions: Ints) -> Rows:
        """Return some of the rows."""
        return replace(self, **{field.name: getattr(self, field.name)[positions] for field in fields(self)})


@dataclass(frozen=True, slots=True)
class LabelRule:
    """What counts as converting, and when that is known."""

    horizon_us: int
    gap_us: int
    known_after_us: int
    """A conversion dated by day is known only when its day is over."""

    @classmethod
    def of(cls, *, horizon_days: float, gap_hours: float, day_resolution: bool) -> LabelRule:
        """Return the rule of a workspace's label section."""
        return cls(round(horizon_days * DAY_US), round(gap_hours * HOUR_US), DAY_US if day_resolution else 0)


def rows_at(
    leads: Leads, ages_us: Ints, rule: LabelRule, *, now: int, started_from: int = -NEVER, started_before: int = NEVER
) -> tuple[Rows, dict[str, int]]:
    """Return the rows that exist at ``ages_us`` (leads x looks), and how many looks were dropped, by reason.

    A row exists iff its lead had started, was neither converted nor ended, and its whole horizon is over and known. Maturity is
    judged by the calendar alone: an early conversion does not mature a row, or the youngest rows would all be conversions. A look
    at a lead of which nobody had heard by then (`not_heard`) is no row: nobody could have asked for its score.

    A lead's looks share weight 1 over those that are mature, open or not. Sharing it over the open ones only would make one look
    of a lead that pays on day 2 as heavy as all looks of one that never does, and every young probability too high.
    """
    n = len(ages_us)
    started = np.where(leads.started_at >= NEVER, NEVER, leads.started_at)
    as_of = np.where(started[:, None] >= NEVER, NEVER, started[:, None] + ages_us)
    mature_at = np.where(as_of >= NEVER, NEVER, as_of + rule.horizon_us + rule.known_after_us)
    converted = leads.converted_at[:, None]
    outside = (started < started_from) | (started >= started_before)

    reasons = {
        "ignored": np.broadcast_to(leads.ignored[:, None], as_of.shape),
        "not_started": as_of >= NEVER,
        "outside_window": np.broadcast_to(outside[:, None], as_of.shape),
        "not_heard": leads.was_unheard_of(as_of),
        "not_mature": mature_at > now,
        "converted": converted <= as_of,
        "ended": leads.had_ended(as_of),
    }
    kept = np.ones(as_of.shape, dtype=bool)
    dropped = {}
    shared = np.zeros(n, dtype=np.int64)
    for reason, hit in reasons.items():
        if reason == "converted":
            shared = kept.sum(axis=1)
        dropped[reason] = int((kept & hit).sum())
        kept &= ~hit

    lead, look = np.nonzero(kept)
    at = as_of[kept]
    paid_at = leads.converted_at[lead]
    outcome = (paid_at > at + rule.gap_us) & (paid_at <= at + rule.horizon_us)
    rows = Rows(
        lead,
        look,
        at,
        started[lead],
        mature_at[kept],
        outcome.astype(np.int64),
        1.0 / shared[lead],
        clusters_of(leads.account)[lead],
    )
    return rows, {reason: count for reason, count in dropped.items() if count}


def undated_rows(leads: Leads) -> tuple[Rows, dict[str, int]]:
    """Return one row a lead of a table without dates; a lead whose outcome is unknown is no row."""
    known = (leads.converted_flag >= 0) & ~leads.ignored
    lead = np.flatnonzero(known)
    nothing = np.full(len(lead), UNDATED_AS_OF, dtype=np.int64)
    outcome = leads.converted_flag[lead].astype(np.int64)
    dropped = {"ignored": int(leads.ignored.sum()), "outcome_unknown": int(((leads.converted_flag < 0) & ~leads.ignored).sum())}
    rows = Rows(lead, nothing, nothing, nothing, nothing, outcome, np.ones(len(lead)), clusters_of(leads.account)[lead])
    return rows, {reason: count for reason, count in dropped.items() if count}


def clusters_of(account: Sequence[str | None] | NDArray[np.object_]) -> Ints:
    """Number the accounts in order of first appearance; a lead without one is a cluster of its own.

    >>> clusters_of(["a", None, "b", "a"]).tolist()
    [0, 1, 2, 0]
    """
    seen: dict[object, int] = {}
    # An account is keyed by a pair so that no account can be mistaken for a lead's position.
    return np.array(
        [seen.setdefault((name,) if name is not None else place, len(seen)) for place, name in enumerate(account)], np.int64
    )
