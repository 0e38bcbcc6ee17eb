"""Calibrator: from a learner's log-odds to a probability that means what it says.

The calibrated log-odds are a rising line or curve of the raw ones, bent smoothly beyond 8 towards 13.8, so that the probability
stays inside (1e-6, 1 - 1e-6) and still rises: on a plateau no reason would have any points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.compiled import compiled
from models.strict import Fields

Floats = NDArray[np.float64]

METHODS = ("identity", "platt", "beta", "isotonic")
LOWEST_SLOPE, HIGHEST_SLOPE = 0.01, 10.0
MOST_INTERCEPT, MOST_SHIFT, MOST_KNOTS, MOST_RAW, MOST_KNOT = 60.0, 20.0, 20, 30.0, 400.0
BEND, ROOM = 8.0, 5.8
"""Log-odds are unchanged up to `BEND` and stay below `BEND + ROOM`."""

_LINE, _BETA, _KNOTS = 0, 1, 2


@compiled
def bend(z: float) -> float:
    """Bend log-odds beyond 8 so that they stay below 13.8, with a continuous slope."""
    if z > BEND:
        u = (z - BEND) / ROOM
        return BEND + ROOM * (u / (1.0 + u))
    if z < -BEND:
        u = (-BEND - z) / ROOM
        return -BEND - ROOM * (u / (1.0 + u))
    return z


@compiled
def _bend_slope(z: float) -> float:
    if -BEND <= z <= BEND:
        return 1.0
    u = (abs(z) - BEND) / ROOM
    return 1.0 / ((1.0 + u) * (1.0 + u))


@compiled
def sigmoid(z: float) -> float:
    """Return the probability of log-odds, without overflow."""
    if z >= 0.0:
        return 1.0 / (1.0 + math.exp(-z))
    e = math.exp(z)
    return e / (1.0 + e)


@compiled
def _softplus(s: float) -> float:
    return max(s, 0.0) + math.log1p(math.exp(-abs(s)))


@compiled
def _segment(s: float, xs: Floats) -> int:
    """Return the piece of the line that s lies on; the first and the last piece go on for ever."""
    k = 0
    while k < xs.shape[0] - 2 and s >= xs[k + 1]:
        k += 1
    return k


@compiled
def _curve(s: float, shape: int, p: Floats, xs: Floats, zs: Floats) -> float:
    """Return the calibrated log-odds before the bend."""
    if shape == 0:
        return float(p[0] + p[1] * s)
    if shape == 1:
        return float(p[0] - p[1] * _softplus(-s) + p[2] * _softplus(s))
    k = _segment(s, xs)
    return float(p[0] + (zs[k] + (zs[k + 1] - zs[k]) / (xs[k + 1] - xs[k]) * (s - xs[k])))


@compiled
def _curve_slope(s: float, shape: int, p: Floats, xs: Floats, zs: Floats) -> float:
    if shape == 0:
        return float(p[1])
    if shape == 1:
        return float(p[1] * sigmoid(-s) + p[2] * sigmoid(s))
    k = _segment(s, xs)
    return float((zs[k + 1] - zs[k]) / (xs[k + 1] - xs[k]))


@compiled
def _evaluate(s: Floats, shape: int, p: Floats, xs: Floats, zs: Floats, out: Floats) -> None:
    """Fill each row of `out`: log-odds, probability, and the slope of each."""
    for row in range(s.shape[0]):
        z = _curve(s[row], shape, p, xs, zs)
        bent = bend(z)
        probability = sigmoid(bent)
        slope = _curve_slope(s[row], shape, p, xs, zs) * _bend_slope(z)
        out[row, 0] = bent
        out[row, 1] = probability
        out[row, 2] = slope
        out[row, 3] = probability * (1.0 - probability) * slope


@dataclass(frozen=True, slots=True)
class Calibrator:
    """One rising curve in log-odds.

    `identity` and `platt` are `intercept + slope * s`; `beta` has one slope for low and one for high scores, joined smoothly;
    `isotonic` is at most 20 knots joined by rising lines. `shift` is added last: the re-anchoring when the base rate has moved.

    >>> Calibrator("platt", intercept=-1.0, slopes=(0.5,)).probability(np.array([2.0]))
    array([0.5])
    """

    method: str = "identity"
    intercept: float = 0.0
    slopes: tuple[float, ...] = (1.0,)
    xs: tuple[float, ...] = ()
    zs: tuple[float, ...] = ()
    shift: float = 0.0
    _parameters: Floats = field(init=False, repr=False, compare=False)
    _xs: Floats = field(init=False, repr=False, compare=False)
    _zs: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_parameters", np.array([self.intercept + self.shift, *self.slopes], dtype=np.float64))
        object.__setattr__(self, "_xs", np.array(self.xs, dtype=np.float64))
        object.__setattr__(self, "_zs", np.array(self.zs, dtype=np.float64))

    def evaluate(self, s: Floats) -> Floats:
        """Return four columns: log-odds, probability, and the slope of each in the raw score."""
        out = np.empty((len(s), 4))
        shape = {"beta": _BETA, "isotonic": _KNOTS}.get(self.method, _LINE)
        _evaluate(np.ascontiguousarray(s, dtype=np.float64), shape, self._parameters, self._xs, self._zs, out)
        return out

    def log_odds(self, s: Floats) -> Floats:
        """Return calibrated log-odds."""
        return self.evaluate(s)[:, 0]

    def probability(self, s: Floats) -> Floats:
        """Return probabilities: strictly rising in s, inside (1e-6, 1 - 1e-6)."""
        return self.evaluate(s)[:, 1]

    def slope(self, s: Floats) -> Floats:
        """Return how fast the probability rises."""
        return self.evaluate(s)[:, 3]

    def shifted(self, shift: float) -> Calibrator:
        """Return the same curve, moved by one number in log-odds."""
        return replace(self, shift=self.shift + shift)

    def to_json(self) -> dict[str, object]:
        """Return the calibrator as plain values."""
        return {
            "method": self.method,
            "intercept": self.intercept,
            "slopes": list(self.slopes),
            "knots": [list(knot) for knot in zip(self.xs, self.zs, strict=True)],
            "shift": self.shift,
        }

    @staticmethod
    def from_json(value: object, where: str) -> Calibrator:
        """Read a calibrator strictly: a curve that falls, or is flat, is refused."""
        fields = Fields(value, where, ("method", "intercept", "slopes", "knots", "shift"))
        method = fields.text("method", METHODS)
        slopes = fields.numbers("slopes", {"beta": 2, "isotonic": 0}.get(method, 1)).tolist()
        most = MOST_KNOTS if method == "isotonic" else 0
        knots = fields.items("knots", min(2, most), most)
        if not all(isinstance(knot, list) and len(knot) == 2 and all(type(n) in (int, float) for n in knot) for knot in knots):
            fields.wrong("knots", "pairs of numbers")
        xs, zs = (tuple(float(knot[i]) for knot in knots if isinstance(knot, list)) for i in (0, 1))
        if any(abs(x) > MOST_RAW for x in xs) or any(abs(z) > MOST_KNOT for z in zs):
            fields.wrong("knots", f"scores up to {MOST_RAW} and log-odds up to {MOST_KNOT}")
        if not all(after - before >= 0.001 for before, after in pairwise(xs)):
            fields.wrong("knots", "rising scores, at least 0.001 apart")
        slopes_of_knots = [(z2 - z1) / (x2 - x1) for (x1, x2), (z1, z2) in zip(pairwise(xs), pairwise(zs), strict=True)]
        if not all(LOWEST_SLOPE * 0.999 <= slope <= HIGHEST_SLOPE * 1.001 for slope in (*slopes, *slopes_of_knots)):
            fields.wrong("knots" if xs else "slopes", f"a rising curve, with slopes from {LOWEST_SLOPE} to {HIGHEST_SLOPE}")
        if method == "identity" and (slopes != [1.0] or fields.get("intercept") != 0.0):
            fields.wrong("slopes", "slope 1 and intercept 0 for the identity")
        return Calibrator(
            method,
            fields.number("intercept", -MOST_INTERCEPT, MOST_INTERCEPT),
            tuple(slopes),
            xs,
            zs,
            fields.number("shift", -MOST_SHIFT, MOST_SHIFT),
        )
