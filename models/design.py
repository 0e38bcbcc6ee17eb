"""Design: the columns that a logistic regression is fitted on, and the way back from its coefficients to our weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec
from models.logistic import Logistic, pack

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_VALUES = 32
"""So many values of a category, the most frequent ones, get a column of their own; the others share that of unknown values."""

CHANGES = 0.3
"""How much less a change with the age is taken to be than what changes, as a ratio of variances before anything is learnt."""

_BLOCK = 4096
"""So many rows are worked on at once: they stay in the cache of a core, and what lies beside the matrix stays small."""


def signed_logs(x: Floats, scale: float) -> Floats:
    """Return the signed logarithms of a whole column."""
    return np.asarray(np.sign(x) * np.log1p(np.abs(x) / scale), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Numeric:
    """How one numeric column is transformed; `sd` is 0 for a column that says nothing."""

    scale: float
    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Design:
    """What was learnt about each column before the fit: its transform or the places of its codes, and whether it is ever missing.

    `places[j]` says which of the columns for a category a code has: 0 is for unknown and rare values.
    """

    columns: tuple[ColumnSpec, ...]
    numeric: tuple[Numeric | None, ...]
    places: tuple[Ints | None, ...]
    missing: tuple[bool, ...]

    @staticmethod
    def of(x: Floats, w: Floats, columns: Sequence[ColumnSpec]) -> Design:
        """Learn the transforms from the training rows.

        The scale is the lower quartile of the sizes that are not 0, about 1 for a count: the logarithm then bends where the
        column's own values lie, whatever its unit.
        """
        numeric: list[Numeric | None] = []
        places: list[Ints | None] = []
        missing: list[bool] = []
        for j, column in enumerate(columns):
            known = ~np.isnan(x[:, j])
            values, category = x[known, j], column.kind == "category"
            numeric.append(None if category else _numeric(values, w[known]))
            places.append(_places(values, column.size) if category else None)
            missing.append(not known.all())
        return Design(tuple(columns), tuple(numeric), tuple(places), tuple(missing))

    def matrix(self, x: Floats, *, clock: int | None = None) -> Floats:
        """Return a constant, the standardised logarithms, and a column for each category value and for what is missing.

        With a `clock`, a number that varies: beside them their products, not the constant's, with its standardised logarithm,
        times the square root of ``CHANGES``. What is shrunk needs a larger coefficient for the same effect, and pays for it.
        """
        width = 1 + sum(self._widths)
        out = np.zeros((len(x), width if clock is None else 2 * width - 1))
        for first in range(0, len(x), _BLOCK):
            block = out[first : first + _BLOCK]
            self._fill(x[first : first + _BLOCK], block[:, :width])
            if clock is not None:
                time = math.sqrt(CHANGES) * block[:, 1 + sum(self._widths[:clock])]
                np.multiply(block[:, 1:width], time[:, None], out=block[:, width:])
        return out

    def varies(self, place: int) -> bool:
        """Tell whether a number has more than one value."""
        transform = self.numeric[place]
        return transform is not None and transform.sd > 0

    @property
    def _widths(self) -> list[int]:
        """How many columns of the matrix each of ours has."""
        own = [
            int(places.max()) + 1 if places is not None else int(transform is not None and transform.sd > 0)
            for transform, places in zip(self.numeric, self.places, strict=True)
        ]
        return [width + lost for width, lost in zip(own, self.missing, strict=True)]

    def _fill(self, x: Floats, out: Floats) -> None:
        out[:, 0] = 1.0
        first = 1
        for j, width in enumerate(self._widths):
            transform, places, lost = self.numeric[j], self.places[j], np.isnan(x[:, j])
            if places is not None:
                rows = np.flatnonzero(~lost)
                out[rows, first + places[x[rows, j].astype(np.int64)]] = 1.0
            elif transform is not None and transform.sd > 0:
                logs = (signed_logs(np.where(lost, 0.0, x[:, j]), transform.scale) - transform.mean) / transform.sd
                out[:, first] = np.where(lost, 0.0, logs)
            first += width
            if self.missing[j]:
                out[:, first - 1] = lost

    def learner(self, x: Floats, w: Floats, coefficients: Floats) -> Logistic:
        """Turn the coefficients of `matrix` into a Logistic whose terms are centred on the training rows."""
        intercept, *rest = coefficients.tolist()
        weights: list[tuple[dict[str, float], list[float]]] = []
        for j, (transform, places) in enumerate(zip(self.numeric, self.places, strict=True)):
            one: dict[str, float] = {}
            values: list[float] = []
            if places is not None:
                values = np.array([rest.pop(0) for _ in range(int(places.max()) + 1)])[places].tolist()
            elif transform is not None:
                one = {"scale": transform.scale, "mean": transform.mean, "sd": transform.sd or 1.0}
                one["weight"] = rest.pop(0) if transform.sd > 0 else 0.0
            one["missing"] = rest.pop(0) if self.missing[j] else 0.0
            weights.append((one, values))
        plain = Logistic(intercept, pack(weights), self.columns)
        centres = plain.mean_terms(x, w)
        for (one, _), centre in zip(weights, centres.tolist(), strict=True):
            one["centre"] = centre
        return Logistic(intercept, pack(weights), self.columns)


def _numeric(values: Floats, weights: Floats) -> Numeric:
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return Numeric(1.0, 0.0, 0.0)
    scale = float(np.quantile(sizes, 0.25))
    logs = signed_logs(values, scale)
    mean = float(np.average(logs, weights=weights))
    sd = float(np.sqrt(np.average((logs - mean) ** 2, weights=weights)))
    return Numeric(scale, mean, sd if sd > 1e-9 * max(1.0, abs(mean)) else 0.0)


def _places(codes: Floats, size: int) -> Ints:
    """Return the column of each code from 0 to `size`: one of its own for the most frequent, of equals for the lowest codes."""
    counts = np.bincount(codes.astype(np.int64), minlength=size + 1)[1:]
    frequent = np.sort(np.argsort(-counts, kind="stable")[:MOST_VALUES]) + 1
    places = np.zeros(size + 1, dtype=np.int64)
    places[frequent] = np.arange(1, len(frequent) + 1)
    return places
