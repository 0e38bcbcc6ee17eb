"""What is compiled ahead is all that the answers of trees need: one form of each loop, whatever the model and the rows."""

from __future__ import annotations

import os

import numpy as np
import pytest

from models.tree_kernel import shares, sum_of_leaves
from serving.compile_ahead import compile_all
from tests.models.shapley_oracle import plain_shapley
from tests.models.test_forest import SETTINGS, fitted
from tests.models.test_shapley import PLAYERS


@pytest.mark.slow  # it compiles every loop anew
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_after_it_no_model_and_no_number_of_rows_compiles_anything_of_trees() -> None:
    assert compile_all() == ["logistic", "trees"]
    forms = [len(loop.signatures) for loop in (shares, sum_of_leaves)]  # type: ignore[attr-defined]
    assert min(forms) > 0
    for seed, extra in enumerate(SETTINGS):
        trees, _, x = fitted(extra, seed, rounds=2)
        for rows in (x[:1], x[:7], np.asfortranarray(x[:100])):
            trees.raw(rows)
            found = trees.contributions(rows, PLAYERS)
        assert np.abs(found[7] - plain_shapley(trees.forest, x[7], PLAYERS)).max() < 1e-12
    assert [len(loop.signatures) for loop in (shares, sum_of_leaves)] == forms  # type: ignore[attr-defined]
