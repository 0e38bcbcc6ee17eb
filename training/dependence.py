"""Dependence curves: a feature's value against what it adds to the log-odds, in groups of equal size, with bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.columns import ColumnSpec
from models.scorer import Scorer
from training.importance import Importances
from training.metrics import Floats

POINTS = 10
CURVES = 9
FEWEST = 5
"""A group of fewer looks is not drawn."""
MOST_CATEGORIES = 8
FEWEST_OF_CATEGORY = 30
"""A value that so few looks have could be one person's."""


@dataclass(frozen=True, slots=True)
class Point:
    """Some looks with nearly the same value: the mean contribution, and the band that holds the middle 80 % of them."""

    label: str
    value: float
    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Curve:
    """One feature: its groups by rising value, or its categories by size, and the looks where it is missing."""

    name: str
    meaning: str
    category: bool
    points: list[Point]
    missing: Point | None


def dependence(found: Importances, scorer: Scorer) -> list[Curve]:
    """Return the curves of the features that move the answers most."""
    curves = []
    for one in found.features[:CURVES]:
        place = scorer.names.index(one.name)
        column, x, added = scorer.columns[place], found.x[:, place], found.contributions[:, place]
        known = ~np.isnan(x)
        if column.kind == "category":
            points = _categories(x[known], added[known], scorer.definition.categories.get(one.name, ()), column)
        else:
            points = _groups(x[known], added[known])
        missing = _point("missing", float("nan"), added[~known]) if (~known).sum() >= FEWEST else None
        if points:
            curves.append(Curve(one.name, one.meaning, column.kind == "category", points, missing))
    return curves


def _groups(x: Floats, added: Floats) -> list[Point]:
    """Cut the values where tenths of the looks end; equal values are never parted."""
    if not len(x):
        return []
    edges = np.unique(np.quantile(x, np.linspace(0.0, 1.0, POINTS + 1)[1:], method="inverted_cdf"))
    group = np.searchsorted(edges, x, side="left")
    points = []
    for number in np.unique(group).tolist():
        mine = group == number
        if mine.sum() >= FEWEST:
            middle = float(np.median(x[mine]))
            points.append(_point(short(middle), middle, added[mine]))
    return points


def short(value: float) -> str:
    """Write a number for an axis, to about three digits.

    >>> [short(one) for one in (0.0, 0.6667, 911.5, 21612.0, -23.86)]
    ['0', '0.67', '912', '21,612', '-23.9']
    """
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def _categories(codes: Floats, added: Floats, known: tuple[str, ...], column: ColumnSpec) -> list[Point]:
    counts = np.bincount(codes.astype(np.int64), minlength=column.size + 1)
    points = []
    for place, code in enumerate(np.argsort(-counts, kind="stable")[:MOST_CATEGORIES].tolist()):
        if counts[code] >= FEWEST_OF_CATEGORY:
            label = "other values" if code == 0 else known[code - 1]
            points.append(_point(label, float(place), added[codes == code]))
    return points


def _point(label: str, value: float, added: Floats) -> Point:
    low, high = np.quantile(added, [0.1, 0.9]).tolist()
    return Point(label, value, float(added.mean()), float(low), float(high), len(added))
