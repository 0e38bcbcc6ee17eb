"""Points by hand: added where a condition holds, shared out exactly, and read back strictly."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.blend import read_learner
from models.columns import ColumnSpec, by_column
from models.errors import ModelError
from models.scorecard import EMPTY, Rule, Scorecard
from models.scorecard_fit import SMALLEST_SCALE, at_base_rate, fit_scorecard
from models.strict import read_json, write_json

COLUMNS = (
    ColumnSpec("n", "number", "session", 0, 20),
    ColumnSpec("country", "category", "country", 0, 3, 3),
    ColumnSpec("idle", "number", "support", 0, 9),
)
CARD = Scorecard(-2.0, (Rule(0, 0.5, low=1.0), Rule(0, 0.7, low=3.0, high=9.0), Rule(1, -0.4, codes=(1, 3))))
X = np.array([[0.0, 1, 5], [1.0, 2, 5], [3.0, 3, np.nan], [12.0, 0, 5], [np.nan, np.nan, 5]])


def test_points_are_added_where_a_condition_holds_and_missing_values_fulfil_none() -> None:
    np.testing.assert_allclose(CARD.raw(X), [-2.4, -1.5, -2.0 + 1.2 - 0.4, -1.5, -2.0])


def test_more_of_what_has_points_never_lowers_the_log_odds() -> None:
    rising = Scorecard(0.0, (Rule(0, 0.5, low=1.0), Rule(0, 0.7, low=3.0)))
    rows = np.zeros((21, 3))
    rows[:, 0] = np.arange(21)
    assert (np.diff(rising.raw(rows)) >= 0).all()


def test_the_shares_add_up_and_an_idle_column_has_none() -> None:
    card = CARD.at(-1.0, 2.0, X, np.array([1.0, 1.0, 0.5, 0.5, 1.0]))
    found = card.contributions(X, by_column(COLUMNS))
    np.testing.assert_allclose(found.sum(axis=1) + card.expected, card.raw(X), atol=1e-12)
    assert not found[:, 2].any()
    assert card.used.tolist() == [0, 1]
    assert EMPTY.used.tolist() == []
    assert EMPTY.raw(X).tolist() == [0.0] * 5


def test_the_text_gives_the_same_bits() -> None:
    text = write_json(CARD.to_json())
    again = read_learner(read_json(text, "x"), "x", COLUMNS)
    assert np.array_equal(again.raw(X), CARD.raw(X))
    assert write_json(again.to_json()) == text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("column", 3),
        ("column", -1),
        ("points", "much"),
        ("share", 1.5),
        ("codes", [1]),
        ("codes", [9]),
        ("low", "0"),
        ("extra", 1),
    ],
)
def test_a_wrong_rule_is_refused(key: str, value: object) -> None:
    plain = json.loads(write_json(CARD.to_json()))
    plain["rules"][0][key] = value
    with pytest.raises(ModelError, match="rule 0 of x"):
        read_learner(plain, "x", COLUMNS)


def test_a_category_has_codes_and_no_range() -> None:
    for change in ({"codes": []}, {"low": 1.0}):
        plain = json.loads(write_json(CARD.to_json()))
        plain["rules"][2] |= change
        with pytest.raises(ModelError, match="codes"):
            read_learner(plain, "x", COLUMNS)


def test_the_base_rate_is_the_mean_probability() -> None:
    w = np.array([1.0, 2.0, 1.0, 1.0, 1.0])
    card = at_base_rate(CARD, 0.05, X, w)
    assert np.average(1 / (1 + np.exp(-card.raw(X))), weights=w) == pytest.approx(0.05, abs=1e-9)
    assert card.raw(X[1:2])[0] - card.raw(X[4:5])[0] == pytest.approx(0.5)


def test_a_fit_finds_scale_and_base_rate_and_never_turns_a_sign() -> None:
    draw = np.random.default_rng(0)
    x = np.column_stack([draw.integers(0, 12, 20_000), draw.integers(0, 4, 20_000), np.zeros(20_000)]).astype(np.float64)
    truth = -1.0 + 0.6 * CARD.points(x)
    y = (draw.random(len(x)) < 1 / (1 + np.exp(-truth))).astype(np.float64)
    found = fit_scorecard(CARD, x, y, np.ones(len(x)))
    assert found.log_odds == pytest.approx(-1.0, abs=0.1)
    assert found.rules[0].points == pytest.approx(0.6 * 0.5, abs=0.05)
    assert found.rules[0].share == pytest.approx(11 / 12, abs=0.01)
    against = fit_scorecard(CARD, x, 1.0 - y, np.ones(len(x)))
    assert against.rules[0].points == pytest.approx(SMALLEST_SCALE * 0.5)
    assert np.mean(1 / (1 + np.exp(-against.raw(x)))) == pytest.approx(np.mean(1.0 - y), abs=1e-3)


def test_few_outcomes_leave_the_points_as_they_were_given() -> None:
    found = fit_scorecard(CARD, X, np.array([0, 1, 0, 0, 0]), np.ones(5))
    assert 0.7 < found.rules[0].points / 0.5 < 1.3
    empty = fit_scorecard(EMPTY, X, np.array([0, 1, 0, 0, 0]), np.ones(5))
    assert empty.log_odds == pytest.approx(np.log(2 / 5), abs=1e-6)
