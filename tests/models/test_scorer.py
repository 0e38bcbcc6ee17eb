from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from features.feature import FeatureSet
from models.errors import ModelError
from models.scorer import Scorer
from tests.models.conftest import KINDS, invent

Floats = NDArray[np.float64]


@pytest.mark.parametrize("kind", KINDS)
def test_base_and_points_give_the_probability(kind: str, scorers: dict[str, Scorer], x: Floats) -> None:
    told = scorers[kind].explain(x[:100])
    assert told.base == scorers[kind].base
    assert np.abs(told.base + told.points.sum(axis=1) - told.probability).max() < 1e-9
    log_odds = np.log(told.probability / (1 - told.probability))
    assert np.abs(told.base_log_odds + told.log_odds.sum(axis=1) - log_odds).max() < 1e-9
    assert np.array_equal(told.probability, scorers[kind].probability(x[:100]))


def test_columns_are_found_by_name(scorer: Scorer, features: FeatureSet) -> None:
    values = invent(features, 30, 5)
    wanted = scorer.select(features.names, values)
    order = np.random.default_rng(0).permutation(len(features))
    found = scorer.select([features.names[place] for place in order], values[:, order])
    assert np.array_equal(found, wanted, equal_nan=True)


def test_a_column_that_is_not_there_is_missing(scorer: Scorer) -> None:
    assert np.isnan(scorer.select([], np.empty((2, 0)))).all()
    assert scorer.probability(scorer.select([], np.empty((2, 0)))).shape == (2,)


def test_values_are_moved_into_the_range_of_training(scorer: Scorer) -> None:
    lower = np.array([column.lower for column in scorer.columns])
    upper = np.array([column.upper for column in scorer.columns])
    number = np.array([column.kind == "number" for column in scorer.columns])
    for far, end in ((np.inf, upper), (1e18, upper), (-np.inf, lower), (-1e18, lower)):
        row = np.full((1, len(lower)), far)
        assert np.array_equal(scorer.clip(row)[0][number], end[number])
        assert scorer.probability(row)[0] == scorer.probability(np.where(number, end, 0.0)[None, :])[0]
    assert np.isnan(scorer.clip(np.full((1, len(lower)), np.nan))).all()


@pytest.mark.parametrize(("code", "seen"), [(0.0, 0.0), (3.0, 3.0), (4.0, 0.0), (-1.0, 0.0), (1.5, 0.0), (np.inf, 0.0)])
def test_a_code_that_does_not_exist_is_unknown(scorer: Scorer, x: Floats, code: float, seen: float) -> None:
    place = scorer.names.index("country")
    row = x[:1].copy()
    row[0, place] = code
    assert scorer.clip(row)[0, place] == seen


def test_what_cannot_be_is_told_from_what_was_not_seen(scorer: Scorer, x: Floats) -> None:
    place = scorer.names.index("core_use_count_all")
    row = x[:1].copy()
    row[0, place] = scorer.columns[place].upper + 1
    assert not scorer.outside(row).any()
    row[0, place] = 1e12
    assert np.flatnonzero(scorer.outside(row)[0]).tolist() == [place]
    row[0, place] = np.nan
    assert not scorer.outside(row).any()


def test_columns_must_be_those_of_the_definition(scorer: Scorer) -> None:
    first, *others = scorer.columns
    for wrong in (replace(first, name="nothing"), replace(first, player="sales"), replace(first, kind="category")):
        with pytest.raises(ModelError, match="not the feature of that name"):
            replace(scorer, columns=(wrong, *others))
    country = scorer.names.index("country")
    columns = list(scorer.columns)
    columns[country] = replace(columns[country], size=2)
    with pytest.raises(ModelError, match="2 values"):
        replace(scorer, columns=tuple(columns))
    with pytest.raises(ModelError, match="wrong order"):
        replace(scorer, columns=scorer.columns[::-1])
    with pytest.raises(ModelError, match="wrong order"):
        replace(scorer, columns=(first, first, *others))


def test_a_column_of_its_own_speaks_for_itself(scorer: Scorer, x: Floats) -> None:
    found = scorer.column_contributions(x[:5])
    assert found.shape == (5, len(scorer.columns))
    assert np.abs(found.sum(axis=1) + scorer.learner.expected - scorer.raw(x[:5])).max() < 1e-10
