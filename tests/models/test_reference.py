from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.columns import ColumnSpec
from models.errors import ModelError
from models.reference import STEPS, Reference, Typical, score_quantiles, typical_values
from models.strict import read_json, write_json

DRAW = np.random.default_rng(0)
SCORES = DRAW.random(4_000) ** 2
SCORE_AGES = DRAW.choice([1.0, 7.0], 4_000)
SCORES[SCORE_AGES == 7.0] *= 0.5


def reference(scores: np.ndarray = SCORES, score_ages: np.ndarray = SCORE_AGES) -> Reference:
    return Reference(
        ages=(1.0, 7.0),
        quantiles=score_quantiles(scores, score_ages, (1.0, 7.0)),
        oldest_age_days=7.0,
        pql_threshold=0.3,
        typical={"n": Typical("share", ((0.25,), (0.5,))), "m": Typical("median", ((), (3.0,)))},
        volumes={"session": 2.5},
        verdict="publish",
    )


@pytest.mark.parametrize(("age", "scale"), [(0.0, 1.0), (1.0, 1.0), (3.9, 1.0), (4.1, 0.5), (90.0, 0.5)])
def test_a_score_is_compared_with_the_nearest_age(age: float, scale: float) -> None:
    made = reference()
    for share in (0.05, 0.35, 0.65, 0.95):
        assert made.percentile(scale * share**2, age) == pytest.approx(100 * share, abs=2.0)
    assert made.percentile(0.0, age) <= 0.5
    assert made.percentile(1.0, age) == 100.0
    assert made.percentile(-1.0, age) == 0.0


@pytest.mark.parametrize(
    ("age", "other"),
    [(0.0, 1.0), (0.99, 1.0), (1.0, None), (3.0, None), (7.0, None), (8.0, None), (8.01, 7.0), (90.0, 7.0), (math.nan, 1.0)],
)
def test_an_age_that_was_not_learnt_is_compared_with_another(age: float, other: float | None) -> None:
    assert replace(reference(), oldest_age_days=8.0).peers(age).other_age == other


def test_a_higher_score_never_has_a_lower_percentile() -> None:
    made = reference()
    found = [made.percentile(p, 1.0) for p in np.linspace(0, 1, 2_001)]
    assert np.all(np.diff(found) >= 0)


def test_equal_scores_stand_in_the_middle() -> None:
    made = reference(np.full(100, 0.2), np.full(100, 1.0))
    assert made.percentile(0.2, 1.0) == 50.0
    assert made.percentile(0.2, math.nan) == 50.0
    assert (made.percentile(0.1, 1.0), made.percentile(0.3, 1.0)) == (0.0, 100.0)


def test_grades_have_their_shares() -> None:
    made = reference()
    grades = [made.grade(made.percentile(p, age)) for p, age in zip(SCORES, SCORE_AGES, strict=True)]
    shares = {grade: grades.count(grade) / len(grades) for grade in "ABCD"}
    assert shares == pytest.approx({"A": 0.1, "B": 0.2, "C": 0.3, "D": 0.4}, abs=0.01)


def test_typical_values_are_those_of_the_rows_of_that_age() -> None:
    columns = [
        ColumnSpec("n", "number", "a", 0, 9),
        ColumnSpec("m", "number", "a", 0, 9),
        ColumnSpec("c", "category", "b", 0, 2, 2),
    ]
    x = np.array([[0.0, np.nan, 1.0], [2.0, np.nan, 2.0], [1.0, 4.0, 2.0], [3.0, 8.0, np.nan]])
    found = typical_values(x, np.array([1.0, 1.4, 6.0, 8.0]), columns, {"m": "median"}, (1.0, 7.0))
    assert found["n"] == Typical("share", ((0.5,), (1.0,)))
    assert found["m"] == Typical("median", ((), (6.0,)))
    assert found["c"] == Typical("values", ((0.0, 0.5, 0.5), (0.0, 0.0, 0.5)))
    undated = typical_values(x, np.full(4, np.nan), columns, {}, (0.0,))
    assert undated["n"].at_age == ((0.75,),)
    nobody = typical_values(x, np.array([1.0, 1.0, 1.0, 1.0]), columns, {}, (1.0, 7.0))
    assert nobody["n"].at_age[0] == nobody["n"].at_age[1]


def test_the_text_is_the_reference() -> None:
    made = reference()
    text = write_json(made.to_json())
    again = Reference.from_json(read_json(text, "x"), "x")
    assert write_json(again.to_json()) == text
    assert again.percentile(0.2, 1.0) == made.percentile(0.2, 1.0)


def change(key: str, value: Any) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(reference().to_json())
    changed[key] = value
    return changed


@pytest.mark.parametrize(
    "value",
    [
        change("ages", [7.0, 1.0]),
        change("ages", []),
        change("quantiles", [[0.0] * (STEPS + 1)]),
        change("quantiles", [[0.0] * STEPS, [0.0] * STEPS]),
        change("quantiles", [[0.5] + [0.0] * STEPS] * 2),
        change("quantiles", [[2.0] * (STEPS + 1)] * 2),
        change("quantiles", [None, None]),
        change("oldest_age_days", -1.0),
        change("pql_threshold", 1.5),
        change("typical", {"n": {"kind": "mode", "at_age": [[], []]}}),
        change("typical", {"n": {"kind": "share", "at_age": [[]]}}),
        change("typical", {"n": {"kind": "share", "at_age": [["a"], []]}}),
        change("typical", []),
        change("volumes", {"session": -1.0}),
        change("volumes", 3),
        change("verdict", None),
    ],
)
def test_a_wrong_reference_is_refused(value: object) -> None:
    with pytest.raises(ModelError):
        Reference.from_json(value, "reference.json")
