"""Scorecard: points by hand, in log-odds, each added where a condition holds; what scores before there is anything to learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec, Grouping
from models.strict import Fields

Floats = NDArray[np.float64]

LARGEST_POINTS = 1e3
MOST_RULES = 5_000


@dataclass(frozen=True, slots=True)
class Rule:
    """Points for one condition on one column: numbers from `low` to `high`, both included, or some codes of a category.

    What is missing fulfils no condition. `share` is how many of the training rows fulfil it: the contributions start there.
    """

    column: int
    points: float
    low: float | None = None
    high: float | None = None
    codes: tuple[int, ...] = ()
    share: float = 0.0

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        """Tell for which rows the condition holds."""
        values = x[:, self.column]
        if self.codes:
            return np.isin(values, self.codes)
        held = ~np.isnan(values)
        if self.low is not None:
            held &= values >= self.low
        if self.high is not None:
            held &= values <= self.high
        return held

    def to_json(self) -> dict[str, object]:
        """Return the rule as plain values."""
        codes = list(self.codes)
        return {
            "column": self.column,
            "points": self.points,
            "share": self.share,
            "low": self.low,
            "high": self.high,
            "codes": codes,
        }

    @staticmethod
    def from_json(value: object, where: str, columns: Sequence[ColumnSpec]) -> Rule:
        """Read a rule strictly: a range for a number, codes for a category."""
        fields = Fields(value, where, ("column", "points", "share", "low", "high", "codes"))
        place = fields.integer("column", 0, len(columns) - 1)
        low, high = (None if fields.get(key) is None else fields.number(key) for key in ("low", "high"))
        codes = fields.items("codes", 0, columns[place].size + 1)
        known = fields.integers("codes", len(codes), 0, columns[place].size)
        if (columns[place].kind == "category") == (not len(codes)) or (len(codes) and (low is not None or high is not None)):
            fields.wrong("codes", "codes of a category, or a range of numbers")
        points, share = fields.number("points", -LARGEST_POINTS, LARGEST_POINTS), fields.number("share", 0.0, 1.0)
        return Rule(place, points, low, high, tuple(known.tolist()), share)


@dataclass(frozen=True, eq=False)
class Scorecard:
    """The sum of the points of every rule that holds, above the log-odds of a lead for which none does."""

    log_odds: float
    rules: tuple[Rule, ...]

    kind: ClassVar[str] = "scorecard"

    @property
    def expected(self) -> float:
        """The log-odds with every rule at the share of training rows for which it holds: where the contributions start from."""
        return sum((rule.points * rule.share for rule in self.rules), self.log_odds)

    @property
    def used(self) -> NDArray[np.int64]:
        """The columns that some rule with points reads."""
        return np.unique(np.array([rule.column for rule in self.rules if rule.points], dtype=np.int64))

    def points(self, x: Floats) -> Floats:
        """Return the sum of the points of each row."""
        total = np.zeros(len(x))
        for rule in self.rules:
            total += rule.points * rule.holds(x)
        return total

    def raw(self, x: Floats) -> Floats:
        """Return the log-odds of each row."""
        return self.log_odds + self.points(x)

    def contributions(self, x: Floats, grouping: Grouping) -> Floats:
        """Return each player's exact Shapley value: the sum model makes it the sum over its rules."""
        return grouping.sums(self.shares(x, grouping))

    def shares(self, x: Floats, grouping: Grouping) -> Floats:  # noqa: ARG002
        """Return the rules of each column, whoever its player is."""
        out = np.zeros(x.shape)
        for rule in self.rules:
            out[:, rule.column] += rule.points * (rule.holds(x) - rule.share)
        return out

    def at(self, log_odds: float, scale: float, x: Floats, w: Floats) -> Scorecard:
        """Return the card with other log-odds and all points scaled, its shares those of some rows."""
        total = max(float(w.sum()), 1e-12)
        rules = tuple(
            replace(rule, points=rule.points * scale, share=min(1.0, float(w @ rule.holds(x)) / total)) for rule in self.rules
        )
        return Scorecard(log_odds, rules)

    def to_json(self) -> dict[str, object]:
        """Return the card as plain values."""
        return {"kind": self.kind, "log_odds": self.log_odds, "rules": [rule.to_json() for rule in self.rules]}

    @staticmethod
    def from_json(value: object, where: str, columns: Sequence[ColumnSpec]) -> Scorecard:
        """Read a card strictly."""
        fields = Fields(value, where, ("kind", "log_odds", "rules"))
        rules = [
            Rule.from_json(rule, f"rule {i} of {where}", columns) for i, rule in enumerate(fields.items("rules", 0, MOST_RULES))
        ]
        return Scorecard(fields.number("log_odds", -LARGEST_POINTS, LARGEST_POINTS), tuple(rules))


EMPTY = Scorecard(0.0, ())
"""A card without a rule: the base rate."""
