"""Changes: why a lead's probability is another one than before, split exactly into behaviour, passing time and model.

A score depends on three things: what was known of the lead (K), the instant of the look (t), and the model (M). Between a score
then, s(K0, t0, M0), and a score now, s(K1, t1, M1), lie three changes, each taken by itself:

- **passing time**: the same knowledge, looked at later: s(K0, t1, M) - s(K0, t0, M). Nothing happened, so windows empty, a
  recency grows, the trial is older.
- **behaviour**: the same instant, with what became known since: s(K1, t1, M) - s(K0, t1, M). It comes after time, since what
  happened after t0 cannot be looked at as of t0.
- **model**: the same look by another model: s(K, t, M1) - s(K, t, M0).

The model may change first or last, and the order would matter; so both orders are computed and averaged. Time and behaviour are
each the mean over the two models, the model's part is the mean over the look then and the look now. Exchanging the two models
exchanges the sign of the model's part and nothing else. With one model its part is exactly 0. The three add up to the whole by
their construction: (time + behaviour, first by M0 then by M1) telescopes with the model's two differences.

Within a part each player has its share. For time and behaviour the model stays, so the learner's exact contributions phi go from
one look to the other, and along the straight path between them the Aumann-Shapley value of player i in probability is
(phi'_i - phi_i) * (g(s') - g(s)) / (s' - s), with g the calibration: the rule by which a score itself is explained. A player
whose contribution stays as it was has exactly 0, and signs are kept. For the model the learner, its base and its calibration are
all others, so a player's share is the difference of the two exact explanations, and the difference of the bases is an entry of
its own, ``base``. All of it holds for log-odds as for probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.matrix import FeatureMatrix
from models.path_rule import rises
from models.scorer import Scorer

Floats = NDArray[np.float64]

BASE = "base"
"""The entry of the model's part for the bases themselves: no player has this name."""


@dataclass(frozen=True, eq=False)
class Shift:
    """How far one change moved some scores, a row each: the share of every player, and the raw share of every column."""

    players: tuple[str, ...]
    points: Floats
    log_odds: Floats
    columns: tuple[str, ...]
    raw: Floats
    """By column, in raw log-odds: which feature of a player speaks most clearly."""

    def mean_with(self, other: Shift) -> Shift:
        """Return the mean of two shifts, by name."""
        both = self.plus(other)
        return replace(both, points=both.points / 2, log_odds=both.log_odds / 2, raw=both.raw / 2)

    def plus(self, other: Shift) -> Shift:
        """Return the sum of two shifts, by name; who is a player in one of them only has 0 in the other."""
        players = tuple(dict.fromkeys((*self.players, *other.players)))
        columns = tuple(dict.fromkeys((*self.columns, *other.columns)))
        return Shift(
            players,
            _spread(self.points, self.players, players) + _spread(other.points, other.players, players),
            _spread(self.log_odds, self.players, players) + _spread(other.log_odds, other.players, players),
            columns,
            _spread(self.raw, self.columns, columns) + _spread(other.raw, other.columns, columns),
        )

    def top(self, row: int, count: int | None) -> list[int]:
        """Return the players of the largest shares, largest first: all without a count, else only those that are not 0."""
        sizes = np.abs(self.log_odds[row])
        order = np.argsort(-sizes, kind="stable").tolist()
        return order if count is None else [player for player in order[:count] if sizes[player] > 0]

    def sums(self, row: int, without: Sequence[int] = ()) -> tuple[float, float]:
        """Return the points and log-odds of all players together, or of those that are left: their sum, never a remainder."""
        left = [player for player in range(len(self.players)) if player not in set(without)]
        return float(sum(self.points[row, left].tolist())), float(sum(self.log_odds[row, left].tolist()))


@dataclass(frozen=True, eq=False)
class Looks:
    """Some leads through one model's definition: as they were known then, the same looked at later, and as they are known now."""

    scorer: Scorer
    then: FeatureMatrix
    aged: FeatureMatrix
    now: FeatureMatrix


@dataclass(frozen=True, eq=False)
class Split:
    """The three parts of a difference."""

    behaviour: Shift
    time: Shift
    model: Shift

    @property
    def whole(self) -> Shift:
        """The three together: how far each player moved the score in all."""
        return self.behaviour.plus(self.time).plus(self.model)


def split(old: Looks, new: Looks) -> Split:
    """Split the difference between the score then by the old model and the score now by the new one; the two may be one."""
    time, behaviour = moved(new.scorer, new.then, new.aged), moved(new.scorer, new.aged, new.now)
    if old.scorer is new.scorer:
        return Split(behaviour, time, _nothing(new.scorer, len(new.now)))
    time = moved(old.scorer, old.then, old.aged).mean_with(time)
    behaviour = moved(old.scorer, old.aged, old.now).mean_with(behaviour)
    then, now = weighed(old.scorer, old.then, new.scorer, new.then), weighed(old.scorer, old.now, new.scorer, new.now)
    return Split(behaviour, time, then.mean_with(now))


def moved(scorer: Scorer, before: FeatureMatrix, after: FeatureMatrix) -> Shift:
    """Return how far each player moved the scores of one model from one look to another, row by row."""
    x, y = _x(scorer, before), _x(scorer, after)
    s, t = scorer.raw(x), scorer.raw(y)
    rise = rises(scorer.calibrator, s, t, *(scorer.calibrator.evaluate(one)[:, :2] for one in (s, t)))
    apart = scorer.explain(y).contributions - scorer.explain(x).contributions
    return Shift(
        scorer.feature_set.players,
        apart * rise[:, 1:],
        apart * rise[:, :1],
        scorer.names,
        scorer.column_contributions(y) - scorer.column_contributions(x),
    )


def weighed(old: Scorer, seen_old: FeatureMatrix, new: Scorer, seen_new: FeatureMatrix) -> Shift:
    """Return how differently two models explain the same looks, with the difference of their bases as an entry of its own."""
    x, y = _x(old, seen_old), _x(new, seen_new)
    one, other = old.explain(x), new.explain(y)
    players = (BASE, *dict.fromkeys((*one.players, *other.players)))
    columns = tuple(dict.fromkeys((*old.names, *new.names)))
    points = _spread(other.points, other.players, players) - _spread(one.points, one.players, players)
    log_odds = _spread(other.log_odds, other.players, players) - _spread(one.log_odds, one.players, players)
    points[:, 0], log_odds[:, 0] = other.base - one.base, other.base_log_odds - one.base_log_odds
    raw = _spread(new.column_contributions(y), new.names, columns) - _spread(old.column_contributions(x), old.names, columns)
    return Shift(players, points, log_odds, columns, raw)


def _nothing(scorer: Scorer, rows: int) -> Shift:
    """Return the shift between a model and itself."""
    players = (BASE, *scorer.feature_set.players)
    zeros = np.zeros((rows, len(players)))
    return Shift(players, zeros, zeros, scorer.names, np.zeros((rows, len(scorer.names))))


def _x(scorer: Scorer, matrix: FeatureMatrix) -> Floats:
    return scorer.select(matrix.features.names, matrix.values)


def _spread(values: Floats, names: Sequence[str], wanted: Sequence[str]) -> Floats:
    """Return columns by name in another order; a name that is not there is 0."""
    place = {name: i for i, name in enumerate(wanted)}
    out = np.zeros((len(values), len(wanted)))
    out[:, [place[name] for name in names]] = values
    return out
