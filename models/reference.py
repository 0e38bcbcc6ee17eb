"""Reference: what other trials looked like, frozen with the model: score quantiles, grades, and how common a behaviour is."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec
from models.errors import damaged
from models.strict import Fields

Floats = NDArray[np.float64]

STEPS = 200
GRADES = (("A", 90.0), ("B", 70.0), ("C", 40.0), ("D", 0.0))
"""A is the best tenth of the reference, B goes to the best 30 %, C to the best 60 %."""

SHARE, MEDIAN, VALUES = "share", "median", "values"
MOST_AGES = 64


@dataclass(frozen=True, slots=True)
class Typical:
    """What is typical of one feature, a list for each age.

    `share`: one number, the share of trials above 0; `median`: one number, or none where nobody has a value; `values`: the share
    of each category code from 0 on.
    """

    kind: str
    at_age: tuple[tuple[float, ...], ...]


class Peers(NamedTuple):
    """The trials of training that a lead is compared with."""

    place: int
    """Of their age among the ages."""
    other_age: float | None
    """Their age (days) where it is not the lead's own."""


@dataclass(frozen=True, eq=False)
class Reference:
    """The out-of-time scores of training at each age, and the usual values of the features.

    `quantiles[i]` are the 0, 0.5, 1, ... 100 % quantiles of the scores at age `ages[i]` (days). `volumes` are events a day per
    open lead, by behaviour. A table without dates has the one age 0.
    """

    ages: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]
    oldest_age_days: float
    pql_threshold: float
    typical: Mapping[str, Typical]
    volumes: Mapping[str, float]
    verdict: str

    def nearest(self, age_days: float) -> int:
        """Return the place of the nearest age; without an age the first."""
        return min(range(len(self.ages)), key=lambda i: abs(self.ages[i] - age_days)) if age_days == age_days else 0

    def peers(self, age_days: float) -> Peers:
        """Return the trials that one is compared with.

        From the youngest age to the oldest that was learnt, the nearest one passes for its own; a trial without an age has none.
        """
        place = self.nearest(age_days)
        own = self.ages[0] <= age_days <= max(self.ages[-1], self.oldest_age_days)
        return Peers(place, None if own else self.ages[place])

    def percentile(self, probability: float, age_days: float) -> float:
        """Return the share of reference scores below a probability, in per cent; ties count half."""
        quantiles = self.quantiles[self.nearest(age_days)]
        below, upto = bisect_left(quantiles, probability), bisect_right(quantiles, probability)
        if upto > below:
            # The scores equal to this one fill the steps between the first and the last of its quantiles.
            return (below + upto - 1) / 2 * 100.0 / STEPS
        if below == 0:
            return 0.0
        if below == len(quantiles):
            return 100.0
        low, high = quantiles[below - 1], quantiles[below]
        return float((below - 1 + (probability - low) / (high - low)) * 100.0 / STEPS)

    @staticmethod
    def grade(percentile: float) -> str:
        """Return A, B, C or D.

        >>> Reference.grade(97.2), Reference.grade(89.9), Reference.grade(0.0)
        ('A', 'B', 'D')
        """
        return next(grade for grade, least in GRADES if percentile >= least)

    def to_json(self) -> dict[str, object]:
        """Return the reference as plain values."""
        return {
            "ages": list(self.ages),
            "quantiles": [list(row) for row in self.quantiles],
            "oldest_age_days": self.oldest_age_days,
            "pql_threshold": self.pql_threshold,
            "typical": {
                name: {"kind": typical.kind, "at_age": [list(row) for row in typical.at_age]}
                for name, typical in self.typical.items()
            },
            "volumes": dict(self.volumes),
            "verdict": self.verdict,
        }

    @staticmethod
    def from_json(value: object, where: str) -> Reference:
        """Read a reference strictly."""
        keys = ("ages", "quantiles", "oldest_age_days", "pql_threshold", "typical", "volumes", "verdict")
        fields = Fields(value, where, keys)
        ages = fields.numbers("ages", len(fields.items("ages", 1, MOST_AGES)))
        if np.any(np.diff(ages) <= 0):
            fields.wrong("ages", "rising ages")
        rows = [_numbers(row, f"quantiles of {where}") for row in fields.items("quantiles", len(ages), len(ages))]
        if any(len(row) != STEPS + 1 or np.any(np.diff(row) < 0) or row[0] < 0 or row[-1] > 1 for row in rows):
            raise damaged(f"{where} has wrong quantiles", given="another list", expected=f"{STEPS + 1} rising probabilities")
        typical: dict[str, Typical] = {}
        for name, item in fields.mapping("typical").items():
            one = Fields(item, f"typical {name} of {where}", ("kind", "at_age"))
            kind = one.text("kind", (SHARE, MEDIAN, VALUES))
            at_age = one.items("at_age", len(ages), len(ages))
            typical[name] = Typical(kind, tuple(_numbers(row, one.where) for row in at_age))
        volumes = Fields(fields.get("volumes"), f"volumes of {where}", list(fields.mapping("volumes")))
        return Reference(
            tuple(ages.tolist()),
            tuple(rows),
            fields.number("oldest_age_days", 0.0),
            fields.number("pql_threshold", 0.0, 1.0),
            typical,
            {name: volumes.number(name, 0.0) for name in fields.mapping("volumes")},
            fields.text("verdict"),
        )


def _numbers(value: object, where: str) -> tuple[float, ...]:
    if not isinstance(value, list) or not all(type(item) in (int, float) for item in value):
        raise damaged(f"{where} is not a list of numbers", given=repr(value)[:60], expected="numbers")
    return tuple(float(item) for item in value)


def score_quantiles(scores: Floats, score_ages: Floats, ages: Sequence[float]) -> tuple[tuple[float, ...], ...]:
    """Return the quantiles of the scores that are nearest to each age; an age without any takes all scores."""
    grid = np.linspace(0.0, 1.0, STEPS + 1)
    nearest = _nearest(score_ages, ages)
    rows = []
    for i in range(len(ages)):
        mine = scores[nearest == i]
        rows.append(tuple(np.quantile(mine if len(mine) else scores, grid, method="inverted_cdf").tolist()))
    return tuple(rows)


def typical_values(
    x: Floats, row_ages: Floats, columns: Sequence[ColumnSpec], kinds: Mapping[str, str], ages: Sequence[float]
) -> dict[str, Typical]:
    """Return what is typical of each column among the training rows nearest to each age."""
    nearest = _nearest(row_ages, ages)
    groups = [x[nearest == i] if np.any(nearest == i) else x for i in range(len(ages))]
    found: dict[str, Typical] = {}
    for j, column in enumerate(columns):
        kind = VALUES if column.kind == "category" else kinds.get(column.name, SHARE)
        found[column.name] = Typical(kind, tuple(_typical(rows[:, j], kind, column.size) for rows in groups))
    return found


def _typical(values: Floats, kind: str, size: int) -> tuple[float, ...]:
    known = values[~np.isnan(values)]
    if kind == SHARE:
        return (float(np.mean(values > 0)),)
    if kind == MEDIAN:
        return (float(np.median(known)),) if len(known) else ()
    return tuple(float(np.mean(values == code)) for code in range(size + 1))


def _nearest(row_ages: Floats, ages: Sequence[float]) -> NDArray[Any]:
    """Return, for each row, the place of the nearest age; rows without an age go to the first."""
    distances = np.abs(np.nan_to_num(row_ages, nan=ages[0])[:, None] - np.array(ages)[None, :])
    return np.asarray(np.argmin(distances, axis=1))
