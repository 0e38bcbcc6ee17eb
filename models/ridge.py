"""Logistic regression with a ridge penalty, from a start that is given: its coefficients say what to change about that.

Newton's method with step halving. A normal matrix is exact and needs few passes over many rows; where it would be large, its
system is solved by conjugate gradients, which never build it. Written by hand because scikit-learn's logistic regression knows
no offset, and because the same passes in the same order give the same bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.log_odds import sigmoid

Floats = NDArray[np.float64]

MOST_COLUMNS = 600
"""Up to so many columns the normal matrix is built."""

_BLOCK = 8192
_STEPS, _HALVINGS = 60, 30
_CLOSE = 1e-9
"""How near to its minimum the objective must come, as a share of the sum of weights."""


def fit_ridge(x: Floats, y: Floats, w: Floats, offset: Floats, *, c: float, start: Floats | None = None) -> Floats:
    """Return the coefficients b that minimise ``sum w * log-loss(offset + x b) + |b without its first|^2 / (2 c)``.

    The first column of `x` is the constant. One thread, so that the number of cores does not move the last bits.
    """
    from threadpoolctl import threadpool_limits

    ridge = np.full(x.shape[1], 1.0 / c)
    ridge[0] = 0.0
    b = np.zeros(x.shape[1]) if start is None else start.copy()
    enough = _CLOSE * max(1.0, float(w.sum()))
    with threadpool_limits(limits=1):
        raw = x @ b
        loss = _loss(offset + raw, y, w, b, ridge)
        for _ in range(_STEPS):
            p = sigmoid(offset + raw)
            slope = x.T @ (w * (p - y)) + ridge * b
            step = _newton_step(x, np.maximum(w * p * (1.0 - p), 1e-12 * w), ridge, slope)
            gain = float(slope @ step)
            if gain < enough:
                break
            moved, share = x @ step, 1.0
            for _ in range(_HALVINGS):
                tried = _loss(offset + raw - share * moved, y, w, b - share * step, ridge)
                if tried <= loss - 0.1 * share * gain:
                    break
                share /= 2.0
            b, raw, loss = b - share * step, raw - share * moved, tried
    return b


def _loss(raw: Floats, y: Floats, w: Floats, b: Floats, ridge: Floats) -> float:
    return float(w @ (np.logaddexp(0.0, raw) - y * raw)) + float(ridge @ (b * b)) / 2.0


def _newton_step(x: Floats, curve: Floats, ridge: Floats, slope: Floats) -> Floats:
    """Return the step s with ``(x' curve x + ridge) s = slope``."""
    if x.shape[1] > MOST_COLUMNS:
        return _conjugate_gradients(x, curve, ridge, slope)
    normal: Floats = np.diag(ridge + 1e-10)
    for first in range(0, len(x), _BLOCK):
        some = x[first : first + _BLOCK]
        normal += some.T @ (some * curve[first : first + _BLOCK, None])
    return np.asarray(np.linalg.solve(normal, slope), dtype=np.float64)


def _conjugate_gradients(x: Floats, curve: Floats, ridge: Floats, slope: Floats) -> Floats:
    """Solve the same system without building its matrix, scaled by its diagonal."""
    scale = np.einsum("ij,ij,i->j", x, x, curve) + ridge + 1e-10
    step, left = np.zeros(len(slope)), slope.copy()
    towards = scaled = left / scale
    size = float(left @ scaled)
    small = 1e-12 * size
    for _ in range(len(slope)):
        image = x.T @ (curve * (x @ towards)) + (ridge + 1e-10) * towards
        share = size / float(towards @ image)
        step, left = step + share * towards, left - share * image
        scaled = left / scale
        size, before = float(left @ scaled), size
        if size <= small:
            break
        towards = scaled + (size / before) * towards
    return step
