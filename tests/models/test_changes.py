"""The difference of two scores is the sum of its parts, and each part the sum of its players, whatever the learner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.feature import FeatureSet
from models.calibration import Calibrator
from models.changes import BASE, Looks, Shift, moved, split, weighed
from models.scorer import Scorer
from tests.models.conftest import KINDS, invent, matrix_of

CLOSE = 1e-9
Floats = NDArray[np.float64]
CALIBRATORS = (
    Calibrator(),
    Calibrator("platt", intercept=-0.7, slopes=(0.6,), shift=0.2),
    Calibrator("beta", intercept=0.1, slopes=(0.5, 1.7)),
    Calibrator("isotonic", slopes=(), xs=(-3.0, -1.0, 0.5, 2.0), zs=(-4.0, -1.5, -1.49, 3.0)),
)


def looks(scorer: Scorer, features: FeatureSet, seed: int, rows: int = 6) -> Looks:
    """Three invented looks at some leads: later ones differ from earlier ones in some columns."""
    draw = np.random.default_rng(seed)
    then, other = invent(features, rows, seed), invent(features, rows, seed + 1)
    aged = np.where(draw.random(then.shape) < 0.3, other, then)
    now = np.where(draw.random(then.shape) < 0.3, invent(features, rows, seed + 2), aged)
    return Looks(scorer, *(matrix_of(features, values) for values in (then, aged, now)))


def scored(scorer: Scorer, matrix: object) -> tuple[Floats, Floats]:
    x = scorer.select(matrix.features.names, matrix.values)  # type: ignore[attr-defined]
    return scorer.probability(x), scorer.calibrator.log_odds(scorer.raw(x))


def total(*shifts: Shift) -> tuple[Floats, Floats]:
    return sum(one.points.sum(axis=1) for one in shifts), sum(one.log_odds.sum(axis=1) for one in shifts)  # type: ignore[return-value]


@pytest.mark.parametrize("new", KINDS)
@pytest.mark.parametrize("old", ["scorecard", "logistic", "trees", "blend"])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000), curves=st.tuples(st.sampled_from(CALIBRATORS), st.sampled_from(CALIBRATORS)))
def test_the_parts_sum_to_the_difference(
    scorers: dict[str, Scorer], features: FeatureSet, old: str, new: str, seed: int, curves: tuple[Calibrator, Calibrator]
) -> None:
    one, other = (replace(scorers[kind], calibrator=curve) for kind, curve in zip((old, new), curves, strict=True))
    seen = looks(one, features, seed)
    again = replace(seen, scorer=other)
    found = split(seen, again)
    points, log_odds = total(found.behaviour, found.time, found.model)
    before, after = scored(one, seen.then), scored(other, again.now)
    assert np.abs(points - (after[0] - before[0])).max() < CLOSE
    assert np.abs(log_odds - (after[1] - before[1])).max() < CLOSE


@pytest.mark.parametrize("kind", KINDS)
def test_each_part_is_the_mean_over_both_orders(scorers: dict[str, Scorer], features: FeatureSet, kind: str) -> None:
    """Computed from the scores of the corners alone, as the definition says."""
    one, other = scorers[kind], scorers["logistic" if kind != "logistic" else "trees"]
    seen = looks(one, features, 7)
    p = {name: [scored(model, getattr(seen, name))[0] for model in (one, other)] for name in ("then", "aged", "now")}
    found = split(seen, replace(seen, scorer=other))
    for shift, wanted in (
        (found.time, sum(p["aged"][m] - p["then"][m] for m in (0, 1)) / 2),
        (found.behaviour, sum(p["now"][m] - p["aged"][m] for m in (0, 1)) / 2),
        (found.model, sum(p[look][1] - p[look][0] for look in ("then", "now")) / 2),
    ):
        assert np.abs(total(shift)[0] - wanted).max() < CLOSE


def test_exchanging_the_models_exchanges_only_the_models_part(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    seen = looks(scorers["trees"], features, 3)
    other = replace(seen, scorer=scorers["blend"])
    there, back = split(seen, other), split(other, seen)
    for name in ("time", "behaviour"):
        one, two = getattr(there, name), getattr(back, name)
        assert np.abs(total(one)[0] - total(two)[0]).max() < CLOSE
    assert np.abs(total(there.model)[0] + total(back.model)[0]).max() < CLOSE


@pytest.mark.parametrize("kind", KINDS)
def test_one_model_has_no_part_of_its_own(scorers: dict[str, Scorer], features: FeatureSet, kind: str) -> None:
    seen = looks(scorers[kind], features, 5)
    found = split(seen, seen)
    assert not found.model.points.any()
    assert not found.model.log_odds.any()
    points, _ = total(found.behaviour, found.time)
    assert np.abs(points - (scored(seen.scorer, seen.now)[0] - scored(seen.scorer, seen.then)[0])).max() < CLOSE


@pytest.mark.parametrize("kind", KINDS)
def test_where_nothing_changed_nobody_has_a_share(scorers: dict[str, Scorer], features: FeatureSet, kind: str) -> None:
    seen = looks(scorers[kind], features, 5)
    still = moved(seen.scorer, seen.now, seen.now)
    assert not still.points.any()
    assert not still.log_odds.any()


def test_a_player_whose_contribution_stays_has_exactly_nothing(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    """By difference of two explanations every player would get a share, since the curve is steeper elsewhere."""
    scorer = scorers["logistic"]
    values = invent(features, 20, 11)
    more = values.copy()
    more[:, features.index("core_use_count_7d")] += 3
    shift = moved(scorer, matrix_of(features, values), matrix_of(features, more))
    places = [i for i, player in enumerate(shift.players) if player != "core_use"]
    assert not shift.points[:, places].any()
    own = shift.players.index("core_use")
    assert (shift.points[:, own] > 0).any()
    assert (np.sign(shift.points[:, own]) == np.sign(shift.log_odds[:, own])).all()


def test_the_models_part_is_the_difference_of_the_explanations(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    old, new = scorers["trees"], scorers["logistic"]
    matrix = matrix_of(features, invent(features, 4, 2))
    found = weighed(old, matrix, new, matrix)
    x, y = (one.explain(one.select(matrix.features.names, matrix.values)) for one in (old, new))
    assert found.players == (BASE, *x.players)
    assert np.abs(found.points[:, 1:] - (y.points - x.points)).max() == 0
    assert set(found.points[:, 0].tolist()) == {new.base - old.base}
    assert set(found.log_odds[:, 0].tolist()) == {y.base_log_odds - x.base_log_odds}


def test_listed_and_unlisted_players_make_the_whole(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    seen = looks(scorers["blend"], features, 9, rows=1)
    shift = split(seen, seen).behaviour
    listed = shift.top(0, 2)
    assert len(listed) == 2
    assert abs(shift.log_odds[0, listed[0]]) >= abs(shift.log_odds[0, listed[1]])
    rest, whole = shift.sums(0, listed), shift.sums(0)
    assert abs(shift.points[0, listed].sum() + rest[0] - whole[0]) < CLOSE
    assert sorted(shift.top(0, None)) == list(range(len(shift.players)))
    assert shift.sums(0, shift.top(0, None)) == (0.0, 0.0)
