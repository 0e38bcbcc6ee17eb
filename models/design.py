"""Design: the columns that a logistic regression is fitted on, and the way back from its coefficients to our weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec, by_column
from models.logistic import Logistic, pack

Floats = NDArray[np.float64]


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
    """What was learnt about each column before the fit: its transform, and whether it is ever missing."""

    columns: tuple[ColumnSpec, ...]
    numeric: tuple[Numeric | None, ...]
    missing: tuple[bool, ...]

    @staticmethod
    def of(x: Floats, w: Floats, columns: Sequence[ColumnSpec]) -> Design:
        """Learn the transforms from the training rows.

        The scale is the lower quartile of the sizes that are not 0, about 1 for a count: the logarithm then bends where the
        column's own values lie, whatever its unit.
        """
        numeric: list[Numeric | None] = []
        missing = np.isnan(x)
        for j, column in enumerate(columns):
            if column.kind == "category":
                numeric.append(None)
                continue
            known = ~missing[:, j]
            values, weights = x[known, j], w[known]
            sizes = np.abs(values[values != 0])
            if not len(sizes):
                numeric.append(Numeric(1.0, 0.0, 0.0))
                continue
            scale = float(np.quantile(sizes, 0.25))
            logs = signed_logs(values, scale)
            mean = float(np.average(logs, weights=weights))
            sd = float(np.sqrt(np.average((logs - mean) ** 2, weights=weights)))
            numeric.append(Numeric(scale, mean, sd if sd > 1e-9 * max(1.0, abs(mean)) else 0.0))
        return Design(tuple(columns), tuple(numeric), tuple(bool(missing[:, j].any()) for j in range(len(columns))))

    def matrix(self, x: Floats) -> Floats:
        """Return a constant, the standardised logarithms, and a column for each category value and for what is missing."""
        parts: list[Floats] = [np.ones(len(x))]
        for j, (column, transform) in enumerate(zip(self.columns, self.numeric, strict=True)):
            lost = np.isnan(x[:, j])
            if transform is None:
                parts += [(x[:, j] == code).astype(np.float64) for code in range(column.size + 1)]
            elif transform.sd > 0:
                logs = (signed_logs(np.where(lost, 0.0, x[:, j]), transform.scale) - transform.mean) / transform.sd
                parts.append(np.where(lost, 0.0, logs))
            if self.missing[j]:
                parts.append(lost.astype(np.float64))
        return np.column_stack(parts)

    def learner(self, x: Floats, w: Floats, coefficients: Floats) -> Logistic:
        """Turn the coefficients of `matrix` into a Logistic whose terms are centred on the training rows."""
        intercept, *rest = coefficients.tolist()
        weights: list[tuple[dict[str, float], list[float]]] = []
        for j, (column, transform) in enumerate(zip(self.columns, self.numeric, strict=True)):
            one: dict[str, float] = {}
            values: list[float] = []
            if transform is None:
                values = [rest.pop(0) for _ in range(column.size + 1)]
            else:
                one = {"scale": transform.scale, "mean": transform.mean, "sd": transform.sd or 1.0}
                one["weight"] = rest.pop(0) if transform.sd > 0 else 0.0
            one["missing"] = rest.pop(0) if self.missing[j] else 0.0
            weights.append((one, values))
        plain = Logistic(intercept, pack(weights), self.columns)
        centres = np.average(plain.contributions(x, by_column(self.columns)), axis=0, weights=w)
        for (one, _), centre in zip(weights, centres.tolist(), strict=True):
            one["centre"] = centre
        return Logistic(intercept, pack(weights), self.columns)
