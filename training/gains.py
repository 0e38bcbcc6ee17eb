"""What a ranked list brings: the lift curve, and the conversions to expect from as many contacts a week as sales can make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US
from features.workspace import Workspace
from training.dataset import TrainingSet
from training.evaluation import REPLICATES, Answers, Figure, resampled, with_interval
from training.metrics import Floats, Ranking

SHARES = np.round(np.linspace(0.0, 1.0, 41), 4)
"""Where the curve is drawn: every 2.5 % of the leads."""

USUAL_SHARE = 0.1
_WEEK_US = 7 * DAY_US


@dataclass(frozen=True, slots=True)
class Contacts:
    """How many leads sales contact: a share of those that are looked at, and where dates are known a number each week."""

    share: float
    a_week: float | None
    leads_a_week: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Gains:
    """The share of all conversions that is among the best leads, at `SHARES`; and what the contacts of a week bring."""

    contacts: Contacts
    captured: list[Figure]
    rate: Figure
    """The share that converts among those contacted."""
    at_random: float
    """The share that converts among all."""

    @property
    def conversions_a_week(self) -> Figure | None:
        """Return how many of a week's contacts convert, None without dates."""
        return None if self.contacts.a_week is None else _times(self.rate, self.contacts.a_week)

    @property
    def sentence(self) -> str:
        """Say what the list brings, with its interval."""
        contacts, random = self.contacts, self.at_random
        found = self.conversions_a_week
        if found is None or contacts.a_week is None or contacts.leads_a_week is None:
            told = f"of the best {100 * contacts.share:.0f} % of leads {percent(self.rate)} convert"
            return f"{told}, where {100 * random:.1f} % of all do."
        many = f"{contacts.a_week:,.0f} contacts a week, the likeliest of about {contacts.leads_a_week:,.0f} new leads"
        low, high = f"{found.low:,.1f}", f"{found.high:,.1f}"
        return (
            f"{many}, bring {found.value:,.1f} [{low}, {high}] conversions a week, "
            f"where as many taken at random bring {random * contacts.a_week:,.1f}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, without the curve."""
        found = self.conversions_a_week
        return {
            "contacts_a_week": self.contacts.a_week,
            "leads_a_week": self.contacts.leads_a_week,
            "share": self.contacts.share,
            "rate": self.rate.as_dict(),
            "rate_at_random": self.at_random,
            "conversions_a_week": found.as_dict() if found else None,
        }


def percent(figure: Figure, digits: int = 1) -> str:
    """Write a share with its interval in per cent.

    >>> percent(Figure(0.1234, 0.1, 0.15, 10, 2, 0.01))
    '12.3 % [10.0, 15.0]'
    """
    return f"{100 * figure.value:.{digits}f} % [{100 * figure.low:.{digits}f}, {100 * figure.high:.{digits}f}]"


def weekly_contacts(ws: Workspace, data: TrainingSet, answers: Answers) -> Contacts:
    """Return what the workspace's capacity means for the examined leads: by number, or by what a contact costs and brings."""
    capacity = ws.capacity
    leads_a_week = None if ws.data.undated else _leads_a_week(data)
    if capacity.contact_cost is not None and capacity.conversion_value is not None:
        least = capacity.contact_cost / capacity.conversion_value
        share = float(np.clip(np.mean(answers.probability >= least), 0.001, 1.0))
        why = f"a contact pays from a probability of {100 * least:.1f} % on"
        return Contacts(share, None if leads_a_week is None else share * leads_a_week, leads_a_week, why)
    if leads_a_week is None or capacity.contacts_per_week is None:
        return Contacts(USUAL_SHARE, None, None, "the best tenth")
    a_week = min(capacity.contacts_per_week, leads_a_week)
    return Contacts(a_week / leads_a_week, a_week, leads_a_week, "capacity.contacts_per_week of the workspace")


def gains(answers: Answers, contacts: Contacts, *, seed: int) -> Gains | None:
    """Return the curve with intervals, averaged over the ages, or None where no age has both outcomes."""
    looks = [look for look in np.unique(answers.look).tolist() if 0 < answers.outcome[answers.look == look].mean() < 1]
    if not looks:
        return None
    _, cluster = np.unique(answers.cluster, return_inverse=True)
    parts = [np.flatnonzero(answers.look == look) for look in looks]
    rankings = [Ranking(answers.probability[part], answers.outcome[part]) for part in parts]
    wanted = np.append(SHARES, contacts.share)

    def figures(weight: Floats) -> Floats:
        """Return the curve, the share that converts among the contacted, and among all; averaged over ages."""
        rows = np.array([_one_age(ranking, weight[part], wanted) for ranking, part in zip(rankings, parts, strict=True)])
        defined = ~np.isnan(rows[:, 0])
        return rows[defined].mean(axis=0) if defined.any() else np.full(len(wanted) + 1, np.nan)

    rng = np.random.default_rng(seed)
    clusters = int(cluster.max()) + 1
    drawn = np.array([figures(resampled(rng, clusters)[cluster]) for _ in range(REPLICATES)])
    points = figures(np.ones(len(cluster)))
    counts = len(np.unique(answers.lead)), len(np.unique(answers.lead[answers.outcome == 1]))
    curve = [with_interval(float(points[i]), drawn[:, i], *counts) for i in range(len(SHARES))]
    rate = with_interval(float(points[-2]), drawn[:, -2], *counts)
    return Gains(contacts, curve, rate, float(points[-1]))


def _one_age(ranking: Ranking, weight: Floats, shares: Floats) -> Floats:
    captured = ranking.captured(weight, shares)
    all_of_them = float(weight[ranking.order] @ ranking.y) / max(float(weight.sum()), 1.0)
    captured[-1] *= all_of_them / shares[-1]
    return np.append(captured, all_of_them)


def _leads_a_week(data: TrainingSet) -> float:
    """Return how many leads started a week among those examined last, which is how many come now."""
    rows = data.exam.rows.take(data.folds.last.examine) if data.folds.time_forward else data.learners.rows
    weeks = max((int(rows.started_at.max()) - int(rows.started_at.min())) / _WEEK_US, 1.0)
    return _leads(rows.lead) / weeks


def _leads(lead: NDArray[np.int64]) -> int:
    return len(np.unique(lead))


def _times(figure: Figure, number: float) -> Figure:
    scaled = (figure.value * number, figure.low * number, figure.high * number)
    return Figure(*scaled, figure.n, figure.conversions, figure.error * number)
