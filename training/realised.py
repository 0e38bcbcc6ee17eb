"""Realised against promised: of the scores whose horizon is over, how many came true, overall and by grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US
from features.tables import Tables
from models.reference import GRADES, Reference
from training.intervals import Z_99, Z_999, Share, share_of
from training.promised import Promised
from training.rows import LabelRule, clusters_of

Ints = NDArray[np.int64]

FEWEST_LEADS, FEWEST_CONVERSIONS = 100, 10
"""With fewer leads, or with fewer conversions both promised and realised, nothing is said."""

TOLERATED = 1.25
"""A promise is broken when what came is shown to be more than this many times as much, or as little: models err by some per cent
themselves, and a change that small costs less than a retraining that is not needed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One line: what was promised to some leads, and what came of it."""

    name: str
    answers: int
    leads: int
    conversions: int
    promised: float
    realised: Share
    z: float

    @property
    def enough(self) -> bool:
        """Whether there is enough to say anything."""
        most = max(self.conversions, self.promised * self.answers)
        return self.leads >= FEWEST_LEADS and most >= FEWEST_CONVERSIONS

    @property
    def broken(self) -> bool:
        """Whether the promise is shown to be broken."""
        low, high = self.realised.interval(self.z)
        return self.enough and (low > TOLERATED * self.promised or high < self.promised / TOLERATED)

    def as_dict(self) -> dict[str, Any]:
        """Return the line as it is printed, with the 95 % interval."""
        low, high = self.realised.interval()
        return {
            "name": self.name, "answers": self.answers, "leads": self.leads, "conversions": self.conversions,
            "promised": self.promised, "realised": self.realised.value, "low": low, "high": high,
            "enough": self.enough, "alarm": self.broken,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Realised:
    """All of it: every mature score, each grade, and which scores say nothing yet."""

    overall: Kept | None
    grades: tuple[Kept, ...]
    left_out: dict[str, int]

    def calibration(self) -> dict[str, float] | None:
        """Return the calibration in the large: what came minus what was promised, with its 95 % interval."""
        if self.overall is None:
            return None
        low, high = self.overall.realised.interval()
        promised = self.overall.promised
        return {"value": self.overall.realised.value - promised, "low": low - promised, "high": high - promised}

    def reasons(self) -> list[str]:
        """Say which promises were broken, the overall one first."""
        lines = [] if self.overall is None else [self.overall, *self.grades]
        said = []
        for one in lines:
            if one.broken:
                low, high = one.realised.interval()
                who = "the leads" if one is self.overall else f"the leads of grade {one.name}"
                said.append(
                    f"of {who} {100 * one.realised.value:.1f} % converted (95 % interval {100 * low:.1f} to {100 * high:.1f} %, "
                    f"{one.leads:,} leads) where {100 * one.promised:.1f} % were promised"
                )
        return said[:1] if said and lines and lines[0].broken else said


def realised(tables: Tables, given: Promised, reference: Reference, rule: LabelRule, now: int) -> Realised:
    """Compare the scores whose whole horizon is over and known with what came of them.

    Left out are scores of leads that nobody knows, that were ignored, had not started, had paid or ended, or were older than any
    the model learnt from.
    """
    leads = tables.leads
    if not len(leads):
        return Realised(None, (), {"unknown_lead": len(given.lead)})
    place_of = {one: place for place, one in enumerate(leads.ids)}
    place = np.array([place_of.get(one, -1) for one in given.lead], np.int64)
    age = np.where(place >= 0, given.as_of - leads.started_at[place], 0)
    reasons = {
        "unknown_lead": place < 0,
        "not_mature": given.as_of + rule.horizon_us + rule.known_after_us > now,
        "ignored": leads.ignored[place],
        "not_started": age < 0,
        "converted": leads.converted_at[place] <= given.as_of,
        "ended": leads.had_ended(given.as_of, place),
        "beyond_trained_age": age > round(reference.oldest_age_days * DAY_US),
    }
    kept, left_out = np.ones(len(place), bool), dict[str, int]()
    for reason, hit in reasons.items():
        left_out[reason] = int((kept & hit).sum())
        kept &= ~hit
    rows = np.flatnonzero(kept)
    if not len(rows):
        return Realised(None, (), left_out)
    place, as_of, promised = place[rows], given.as_of[rows], given.probability[rows]
    paid = leads.converted_at[place]
    outcome = (paid > as_of + rule.gap_us) & (paid <= as_of + rule.horizon_us)
    cluster = clusters_of(leads.account)[place]
    days = (age[rows] / DAY_US).tolist()
    grade = np.array([reference.grade(reference.percentile(one, day)) for one, day in zip(promised.tolist(), days, strict=True)])

    def line(name: str, mine: NDArray[np.bool_], z: float) -> Kept:
        some = place[mine]
        bought = len(np.unique(some[outcome[mine]]))
        mean = float(promised[mine].mean())
        return Kept(name, len(some), len(np.unique(some)), bought, mean, share_of(outcome[mine], cluster[mine]), z)

    everybody = np.ones(len(rows), bool)
    lines = tuple(line(name, grade == name, Z_999) for name, _ in GRADES if (grade == name).any())
    return Realised(line("all", everybody, Z_99), lines, left_out)
