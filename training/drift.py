"""Drift: do the leads of the last weeks look like those that the model learnt from? Scores, features and missing values.

Each lead is looked at once, at one age, then as now. How far two distributions lie apart is the population stability index over
the tenths of the reference and a place for what is missing: PSI = sum (q - p) ln(q / p). The rule of thumb that .25 is a shift is
N. Siddiqi's (Credit Risk Scorecards, 2006). In a world that stands still PSI is about (1/n + 1/m) chi-squared with a degree of
freedom for each place but one (B. Yurdakul, J. Naranjo, Journal of Risk Model Validation 14(4), 2020): with 200 leads on either
side .09 is usual, and .25 never happens. Below that many nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US
from features.matrix import compute_in_pieces
from features.tables import Tables
from models.scorer import Scorer
from training.intervals import Z_999, share_of
from training.rows import clusters_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RECENT_DAYS, REFERENCE_DAYS = 28, 365
FEWEST_LEADS = 200
SHIFTED, CERTAIN = 0.25, 0.10
"""A distribution has shifted when PSI is at least the first and the lower end of its 95 % interval above the second."""

MISSING_MORE = 0.10
"""A feature has gone missing when it lacks in this much more of the leads, at the lower end of the 99.9 % interval."""

_PLACES = 10
_REPLICATES = 200


@dataclass(frozen=True, slots=True)
class Looked:
    """Leads looked at once each: the columns of the model, its scores, and who belongs together."""

    x: Floats
    probability: Floats
    cluster: Ints

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one distribution has moved."""

    name: str
    psi: float
    low: float
    high: float
    missing: float
    missing_before: float
    gone: bool

    @property
    def alarm(self) -> bool:
        """Whether it is shown to have moved, or to be missing."""
        return self.gone or (self.psi >= SHIFTED and self.low > CERTAIN)

    @property
    def reason(self) -> str:
        """Say what happened."""
        if self.gone:
            return (
                f"the feature {self.name} is missing for {100 * self.missing:.0f} % of the leads, where it was for "
                f"{100 * self.missing_before:.0f} %"
            )
        what = "the scores have" if self.name == "scores" else f"the feature {self.name} has"
        return f"{what} shifted (PSI {self.psi:.2f}, 95 % interval {self.low:.2f} to {self.high:.2f})"

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that is printed."""
        names = ("name", "psi", "low", "high", "missing", "missing_before")
        return {name: getattr(self, name) for name in names} | {"alarm": self.alarm}


def looked_at(scorer: Scorer, tables: Tables, age_days: float, since: int, until: int) -> Looked:
    """Return every lead that was open when it reached an age in (since, until]."""
    leads = tables.leads
    as_of = leads.started_at + round(age_days * DAY_US)
    asked = (as_of > since) & (as_of <= until) & ~leads.ignored & ~leads.was_unheard_of(as_of)
    chosen = asked & (leads.converted_at > as_of) & ~leads.had_ended(as_of)
    lead = np.flatnonzero(chosen)
    parts = [
        scorer.select(matrix.features.names, matrix.values)
        for matrix in compute_in_pieces(scorer.feature_set, tables, lead, as_of[lead])
    ]
    x = np.concatenate([np.zeros((0, len(scorer.columns))), *parts])
    probability = scorer.probability(x) if len(x) else np.zeros(0)
    return Looked(x, probability, clusters_of(leads.account)[lead])


def shifts(scorer: Scorer, before: Looked, now: Looked, age_days: float) -> list[Shift]:
    """Return the scores first, then every column, the most moved first; nothing where there are too few leads."""
    if len(now) < FEWEST_LEADS:
        return []
    if len(before) < FEWEST_LEADS:
        # The data of the training are gone: what is left of them are the quantiles of the scores that the model carries.
        quantiles = np.array(scorer.reference.quantiles[scorer.reference.nearest(age_days)])
        nobody = np.arange(len(quantiles))
        return [_shift("scores", quantiles, nobody, now.probability, now.cluster, few=False, resample_first=False)]
    found = [_shift("scores", before.probability, before.cluster, now.probability, now.cluster, few=False)]
    columns = [
        _shift(column.name, before.x[:, j], before.cluster, now.x[:, j], now.cluster, few=column.kind == "category")
        for j, column in enumerate(scorer.columns)
    ]
    return found + sorted(columns, key=lambda one: (not one.gone, -one.psi, one.name))


def _shift(
    name: str, before: Floats, clusters: Ints, now: Floats, clusters_now: Ints, *, few: bool, resample_first: bool = True
) -> Shift:
    edges = _edges(before, few=few)
    size = len(edges) + 2
    codes, codes_now = _codes(before, edges), _codes(now, edges)
    first, second = np.bincount(codes, minlength=size), np.bincount(codes_now, minlength=size)
    psi = low = high = _psi(first, second)
    if psi >= SHIFTED:
        rng = np.random.default_rng(0)
        drawn = [
            _psi(_drawn(rng, codes, clusters, size) if resample_first else first, _drawn(rng, codes_now, clusters_now, size))
            for _ in range(_REPLICATES)
        ]
        # The basic bootstrap turns the quantiles around: resampling moves PSI up, as chance does.
        low, high = (float(2 * psi - end) for end in np.quantile(drawn, [0.975, 0.025]))
        low, high = max(0.0, low), max(high, psi)
    absent, absent_now = np.isnan(before), np.isnan(now)
    least, _ = share_of(absent_now, clusters_now).interval(Z_999)
    gone = bool(least > float(absent.mean()) + MISSING_MORE)
    return Shift(name, psi, low, high, float(absent_now.mean()), float(absent.mean()), gone)


def _edges(values: Floats, *, few: bool) -> Floats:
    """Return what separates the places: every value of its own where there are few, else the tenths."""
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if few or len(distinct) <= _PLACES:
        return distinct[1:] if len(distinct) else distinct
    return np.unique(np.quantile(known, np.linspace(0, 1, _PLACES + 1)[1:-1], method="inverted_cdf"))


def _codes(values: Floats, edges: Floats) -> Ints:
    """Return the place of each value; what is missing has the last one."""
    codes = np.searchsorted(edges, values, side="right").astype(np.int64)
    codes[np.isnan(values)] = len(edges) + 1
    return codes


def _drawn(rng: np.random.Generator, codes: Ints, cluster: Ints, size: int) -> Floats:
    """Count the places again, with as many clusters drawn as there are."""
    _, place = np.unique(cluster, return_inverse=True)
    many = int(place.max()) + 1
    weight = np.bincount(rng.integers(0, many, many), minlength=many).astype(np.float64)
    counted: Floats = np.bincount(codes, weights=weight[place], minlength=size).astype(np.float64)
    return counted


def _psi(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Return the population stability index of two counts; half an answer stands in every place, so that none is empty."""
    used = (np.asarray(first) > 0) | (np.asarray(second) > 0)
    p, q = (np.asarray(one, dtype=np.float64)[used] + 0.5 for one in (first, second))
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())
