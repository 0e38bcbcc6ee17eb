"""Which learners are tried at all, and that weights that change with the age are kept where they do."""

from __future__ import annotations

import numpy as np
import pytest

from models.columns import ColumnSpec
from models.scorecard import EMPTY
from tests.training.small_world import silent
from tests.training.test_folds import made_rows
from training import candidates
from training.candidates import Chosen, choose_learner
from training.folds import plan_folds
from training.pairs import Pair, Table, pairs_of
from training.tuning import Search

COLUMNS = (ColumnSpec("use", "number", "session", -9.0, 9.0), ColumnSpec("trial_age_d", "number", "trial", 0.0, 30.0))


def folds(*, tells_at_all_ages: bool) -> list[Pair]:
    """Return folds in which use tells who pays on every day, or the opposite on the first and the last."""
    rows = made_rows(leads=1_500, days=300)
    age = (rows.as_of - rows.started_at) / 86_400_000_000
    sign = 1.0 if tells_at_all_ages else np.where(age > np.median(age), 1.0, -1.0)
    use = np.random.default_rng(0).normal(0, 1, len(rows)) + sign * rows.outcome
    table = Table(rows, np.column_stack([use, age]))
    return pairs_of(plan_folds(rows, rows, seed=0).choice, table, table, COLUMNS)


def chosen(pairs: list[Pair], columns: tuple[ColumnSpec, ...] = COLUMNS) -> Chosen:
    return choose_learner(pairs, columns, EMPTY, Search(0, None, 0), say=silent)


def test_weights_that_change_with_the_age_are_kept_where_they_do() -> None:
    assert chosen(folds(tells_at_all_ages=False)).recipe.learner == "varying_blend"
    assert "varying" not in chosen(folds(tells_at_all_ages=True)).recipe.learner


def test_they_are_tried_where_there_is_an_age_and_not_too_much_to_learn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = folds(tells_at_all_ages=True)
    tried = chosen(pairs).choice.tried
    assert "varying_blend" in tried
    assert "varying" not in tried, "never alone"
    without = tuple(ColumnSpec(name, "number", "session", -9.0, 30.0) for name in ("use", "more"))
    assert "varying_blend" not in chosen(pairs, without).choice.tried
    monkeypatch.setattr(candidates, "MOST_ROWS", 10)
    assert "varying_blend" not in chosen(pairs).choice.tried
