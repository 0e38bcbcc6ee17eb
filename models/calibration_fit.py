"""How a calibrator is fitted: one penalised maximum likelihood for all its curves.

Every curve is an intercept plus slopes times rising pieces of the raw score, so one solver fits them all under the same bounds.
The penalty pulls each slope towards 1 and the intercept, weakly, towards 0: with little data the learner's own log-odds stand.
Written by hand because slopes need bounds, which scikit-learn's logistic regression does not have.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import HIGHEST_SLOPE, LOWEST_SLOPE, METHODS, MOST_INTERCEPT, MOST_KNOTS, MOST_RAW, Calibrator
from models.errors import ModelError
from models.log_odds import sigmoid

Floats = NDArray[np.float64]

INTERCEPT_PENALTY = 0.04
SLOPE_PENALTY = 5.0
KNOT_PENALTY = 4.0
CONVERSIONS_PER_KNOT = 20
_DIGITS = 12


def fit_calibrator(method: str, s: Floats, y: NDArray[Any], w: Floats) -> Calibrator:
    """Fit one kind of curve to raw log-odds s, outcomes y (0 or 1) and weights w."""
    s, y, w = (np.asarray(part, dtype=np.float64) for part in (s, y, w))
    if method == "identity":
        return Calibrator()
    if method == "platt":
        c, b = _solve([s], y, w, SLOPE_PENALTY)
        return Calibrator("platt", c, (b,))
    if method == "beta":
        c, a, b = _solve([-np.logaddexp(0.0, -s), np.logaddexp(0.0, s)], y, w, SLOPE_PENALTY)
        return Calibrator("beta", c, (a, b))
    if method == "isotonic":
        xs = _knots(s, y, w)
        # The pieces start at the first knot, where the identity has the log-odds xs[0].
        c, *slopes = _solve(_ramps(s, xs), y, w, KNOT_PENALTY, offset=xs[0])
        zs = [c + xs[0]]
        for slope, width in zip(slopes, np.diff(xs).tolist(), strict=True):
            zs.append(zs[-1] + slope * width)
        return Calibrator("isotonic", 0.0, (), tuple(xs), tuple(zs))
    raise ModelError("There is no such calibration", given=method, expected=", ".join(METHODS), do="choose one of them")


def _knots(s: Floats, y: Floats, w: Floats) -> list[float]:
    """Return up to 20 scores, denser where outcomes of both kinds are."""
    conversions = min(float(np.sum(w * y)), float(np.sum(w * (1 - y))))
    count = int(np.clip(conversions // CONVERSIONS_PER_KNOT, 2, MOST_KNOTS))
    order = np.argsort(s, kind="stable")
    share = np.zeros(len(s))
    for part in (w * y, w * (1 - y)):
        total = part.sum()
        if total > 0:
            share += np.cumsum(part[order]) / total
    at = np.searchsorted(share, np.linspace(0.02, 0.98, count) * share[-1])
    knots: list[float] = []
    for x in np.clip(s[order][at], -MOST_RAW, MOST_RAW - 1).tolist():
        if not knots or x >= knots[-1] + 0.1:
            knots.append(_short(x))
    return knots if len(knots) > 1 else [knots[0], knots[0] + 1.0]


def _ramps(s: Floats, xs: list[float]) -> list[Floats]:
    """Return, for each piece between two knots, how far s has come along it; the ends go on for ever."""
    ramps: list[Floats] = []
    last = len(xs) - 2
    for k in range(last + 1):
        low = -np.inf if k == 0 else 0.0
        high = np.inf if k == last else xs[k + 1] - xs[k]
        ramps.append(np.clip(s - xs[k], low, high))
    return ramps


def _solve(pieces: list[Floats], y: Floats, w: Floats, penalty: float, offset: float = 0.0) -> tuple[float, ...]:
    """Minimise the penalised log-loss over the intercept and the slopes, each between its bounds, by Newton's method.

    Sums are elementwise and pairwise, never by BLAS, so that the number of threads cannot move a bit.
    """
    columns = [np.ones(len(y)), *pieces]
    start = np.array([0.0, *(1.0 for _ in pieces)])
    pull = np.array([INTERCEPT_PENALTY, *(penalty for _ in pieces)])
    low = np.array([-MOST_INTERCEPT, *(LOWEST_SLOPE for _ in pieces)])
    high = np.array([MOST_INTERCEPT, *(HIGHEST_SLOPE for _ in pieces)])

    def line(theta: Floats) -> Floats:
        total = np.full(len(y), offset)
        for value, column in zip(theta, columns, strict=True):
            total += value * column
        return total

    def loss(theta: Floats) -> float:
        z = line(theta)
        return float(np.sum(w * (np.logaddexp(0.0, z) - y * z)) + 0.5 * np.sum(pull * (theta - start) ** 2))

    theta, best = start, loss(start)
    # Every step lowers the loss, so this ends.
    while True:
        p = sigmoid(line(theta))
        residual, weight = w * (p - y), w * p * (1.0 - p)
        gradient = np.array([np.sum(residual * column) for column in columns]) + pull * (theta - start)
        hessian = np.array([[np.sum(weight * a * b) for b in columns] for a in columns]) + np.diag(pull)
        free = ~(((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0)))
        step = np.zeros(len(theta))
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        moved, size = theta, 1.0
        while size > 1e-6:
            trial = np.clip(theta - size * step, low, high)
            value = loss(trial)
            if value < best:
                moved, best = trial, value
                break
            size /= 2
        if float(np.max(np.abs(moved - theta))) < 1e-9:
            return tuple(_short(value) for value in moved.tolist())
        theta = moved


def _short(value: float) -> float:
    """Keep 12 digits: what a sum over millions of rows determines."""
    return float(f"{value:.{_DIGITS}g}")
