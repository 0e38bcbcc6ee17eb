"""A fold shows what its learner would have met, and a search sees a sample of its leads."""

from __future__ import annotations

import numpy as np
import pytest

from models.columns import UNKNOWN, ColumnSpec
from tests.training.test_folds import made_rows
from training import pairs as module
from training.folds import Folds, plan_folds
from training.pairs import SEARCH_ROWS, Pair, Table, pairs_of, sampled
from training.rows import Rows

COLUMNS = tuple(ColumnSpec(name, "number", "session", -9.0, 9.0) for name in ("useful", "noise"))


def numbers(rows: Rows, folds: Folds) -> list[Pair]:
    x = np.random.default_rng(0).normal(0, 1, (len(rows), 2))
    x[::7, 1] = np.nan
    return pairs_of(folds.choice, Table(rows, x), Table(rows, x), COLUMNS)


@pytest.fixture(scope="module")
def few() -> list[Pair]:
    rows = made_rows(leads=900, days=300)
    return numbers(rows, plan_folds(rows, rows, seed=0))


def test_examined_values_stay_within_what_was_learnt(few: list[Pair]) -> None:
    for pair in few:
        known, seen = pair.learn.x, pair.examine.x
        assert (np.nanmin(seen, axis=0) >= np.nanmin(known, axis=0)).all()
        assert (np.nanmax(seen, axis=0) <= np.nanmax(known, axis=0)).all()
        assert np.isnan(seen[:, 1]).any()


def test_a_column_that_a_fold_has_never_seen_a_value_of_sets_no_bounds() -> None:
    rows = made_rows(leads=900, days=300)
    folds = plan_folds(rows, rows, seed=0)
    x = np.column_stack([np.full(len(rows), 5.0), np.full(len(rows), 5.0)])
    x[folds.choice[0].learn] = np.nan
    pair = pairs_of(folds.choice, Table(rows, x), Table(rows, x), COLUMNS)[0]
    np.testing.assert_array_equal(pair.examine.x, x[folds.choice[0].examine])


def test_a_part_of_a_part_is_taken_out_of_the_same_matrix(few: list[Pair]) -> None:
    table = few[0].examine
    some = np.array([4, 1, 7])
    np.testing.assert_array_equal(table.take(some).x, table.x[some])
    np.testing.assert_array_equal(table.take(some).take(some[:1] - 3).x, table.x[some][some[:1] - 3])
    assert table.take(some).matrix is table.matrix


def test_many_rows_are_sampled_by_lead() -> None:
    rows = made_rows(leads=SEARCH_ROWS, days=300, per_account=3)
    x = np.zeros((len(rows), 2))
    many = pairs_of(plan_folds(rows, rows, seed=0).choice, Table(rows, x), Table(rows, x), COLUMNS)
    thin = sampled(many, seed=0)
    largest = max(len(pair.learn.rows) for pair in thin)
    assert 0.9 * SEARCH_ROWS < largest < 1.1 * SEARCH_ROWS
    for before, after in zip(many, thin, strict=True):
        kept = np.isin(before.learn.rows.lead, after.learn.rows.lead)
        assert kept.sum() == len(after.learn.rows)


def test_one_giant_account_is_sampled_as_well() -> None:
    rows = made_rows(leads=SEARCH_ROWS, days=300, per_account=SEARCH_ROWS)
    x = np.zeros((len(rows), 2))
    many = pairs_of(plan_folds(rows, rows, seed=0).choice, Table(rows, x), Table(rows, x), COLUMNS)
    assert 0.9 * SEARCH_ROWS < max(len(pair.learn.rows) for pair in sampled(many, seed=0)) < 1.1 * SEARCH_ROWS


def test_where_conversions_are_rare_the_sample_grows_until_it_holds_some(
    few: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEARCH_ROWS", 1)
    thin = sampled(few, seed=0)
    for pair in thin:
        for table in (pair.learn, pair.examine):
            assert 0 < table.rows.outcome.sum() < len(table.rows)
    assert sum(len(pair.learn.rows) for pair in thin) < 0.6 * sum(len(pair.learn.rows) for pair in few)


def test_few_rows_are_all_used(few: list[Pair]) -> None:
    assert sampled(few, seed=0) == few


def test_a_category_that_a_fold_has_not_learnt_is_unknown_to_it() -> None:
    """In use a value that training did not know has the code 0; one that only later leads have must not fare better."""
    rows = made_rows(leads=900, days=300)
    folds = plan_folds(rows, rows, seed=0)
    origin = folds.last.origin
    assert origin is not None
    x = np.column_stack([rows.lead % 3, np.where(rows.started_at >= origin, 3.0, rows.lead % 3)]).astype(np.float64)
    x[rows.lead % 5 == 0, 1] = np.nan
    columns = (ColumnSpec("old", "category", "old", 0.0, 3.0, 3), ColumnSpec("new", "category", "new", 0.0, 3.0, 3))
    *before, last = pairs_of([*folds.choice, folds.last], Table(rows, x), Table(rows, x), columns)
    inside = rows.take(folds.last.examine)
    np.testing.assert_array_equal(last.examine.x[:, 0], inside.lead % 3)
    np.testing.assert_array_equal(last.examine.x[:, 1], np.where(inside.lead % 5 == 0, np.nan, UNKNOWN))
    for pair in before:
        np.testing.assert_array_equal(pair.examine.x[:, 1], x[np.isin(rows.lead, pair.examine.rows.lead), 1])
