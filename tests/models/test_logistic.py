from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

from models.columns import ColumnSpec, by_column, by_player
from models.errors import ModelError
from models.logistic import Logistic

COLUMNS = (
    ColumnSpec("count", "number", "session", 0.0, 9.0),
    ColumnSpec("country", "category", "country", 0.0, 2.0, 2),
    ColumnSpec("change", "number", "session", -9.0, 9.0),
)
MODEL: dict[str, Any] = {
    "kind": "logistic",
    "intercept": -1.0,
    "columns": [
        {"kind": "number", "scale": 2.0, "mean": 0.5, "sd": 0.25, "weight": 0.8, "missing": -0.3, "centre": 0.125},
        {"kind": "category", "values": [0.1, 0.2, -0.4], "missing": 0.05, "centre": 0.0},
        {"kind": "number", "scale": 1.0, "mean": 0.0, "sd": 1.0, "weight": 1.0, "missing": 0.0, "centre": 0.0},
    ],
}


def model() -> Logistic:
    return Logistic.from_json(MODEL, "learner.json", COLUMNS)


def raw(*row: float) -> float:
    return float(model().raw(np.array([row]))[0])


def test_terms_are_as_written_by_hand() -> None:
    term = 0.8 * ((math.log1p(3 / 2) - 0.5) / 0.25)
    assert raw(3.0, 2.0, -4.0) == pytest.approx(-1 + term - 0.4 - math.log(5), abs=1e-15)
    assert raw(math.nan, math.nan, 0.0) == pytest.approx(-1 - 0.3 + 0.05, abs=1e-15)


@pytest.mark.parametrize("code", [0.0, 3.0, 1e9, -1.0])
def test_a_code_that_is_not_known_is_unknown(code: float) -> None:
    assert raw(0.0, code, 0.0) == raw(0.0, 0.0, 0.0)


def test_contributions_are_terms_minus_their_means() -> None:
    x = np.array([[3.0, 1.0, 2.0], [math.nan, 2.0, -1.0]])
    found = model().contributions(x, by_column(COLUMNS))
    assert found[1, 0] == pytest.approx(-0.3 - 0.125)
    assert found[0, 1] == pytest.approx(0.2)
    by_behaviour = model().contributions(x, by_player(COLUMNS, ("session", "country", "idle")))
    assert np.allclose(by_behaviour[:, 0], found[:, 0] + found[:, 2], atol=1e-15)
    assert by_behaviour[:, 2].tolist() == [0.0, 0.0]
    assert model().expected + found.sum(axis=1) == pytest.approx(model().raw(x), abs=1e-14)


def test_one_row_is_many_rows() -> None:
    x = np.random.default_rng(0).normal(size=(40, 3)) * 3
    together = model().raw(x)
    assert [model().raw(x[i : i + 1])[0] for i in range(40)] == together.tolist()


def test_it_writes_what_it_read() -> None:
    assert model().to_json() == MODEL
    assert model().used.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("column", "key", "value"),
    [
        (0, "sd", 0.0),
        (0, "scale", -1.0),
        (0, "weight", 1e7),
        (0, "kind", "category"),
        (0, "values", [1.0]),
        (1, "values", [0.1, 0.2]),
        (1, "values", [0.1, 0.2, 1e7]),
        (1, "missing", None),
        (2, "centre", "0"),
    ],
)
def test_a_wrong_column_is_refused(column: int, key: str, value: object) -> None:
    changed = copy.deepcopy(MODEL)
    changed["columns"][column][key] = value
    with pytest.raises(ModelError, match=rf"{COLUMNS[column].name} of learner\.json"):
        Logistic.from_json(changed, "learner.json", COLUMNS)


def test_a_column_too_few_is_refused() -> None:
    with pytest.raises(ModelError, match="wrong columns"):
        Logistic.from_json({**MODEL, "columns": MODEL["columns"][:2]}, "learner.json", COLUMNS)
