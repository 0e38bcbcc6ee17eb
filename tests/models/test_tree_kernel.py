"""The loops over trees: the same bits by every way through them, from a warm cache, and uncompiled."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.columns import Grouping
from models.trees import Trees
from tests.models.test_forest import SETTINGS, fitted

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("leaves", [62, 63, 64, 65, 120])
def test_trees_of_any_size_give_the_bits_of_lightgbm(leaves: int) -> None:
    trees, booster, x = fitted({"num_leaves": leaves, "min_data_in_leaf": 1, "bagging_freq": 0}, 3, rounds=2)
    assert int(np.diff(trees.forest.first_leaf).max()) == leaves
    x = x[~np.isinf(x).any(axis=1)][::4]
    wanted = booster.predict(x, raw_score=True)
    assert np.array_equal(trees.raw(x), wanted)
    assert np.array_equal([trees.raw(x[row : row + 1])[0] for row in range(0, len(x), 10)], wanted[::10])


def test_the_rows_may_lie_in_any_order_and_be_done_by_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    trees, _, x = fitted(SETTINGS[1], 2, rounds=5)
    whole = trees.raw(x)
    for some in (slice(0, 5), slice(3, 9), slice(0, 64), slice(10, 80), slice(0, 0)):
        assert np.array_equal(trees.raw(x[some]), whole[some])
    assert np.array_equal(trees.raw(np.asfortranarray(x)), whole)
    monkeypatch.setattr("models.cores.CORES", 3)
    monkeypatch.setattr("models.trees._ROWS_TO_SCORE", 50)
    assert np.array_equal(trees.raw(x), whole)


def test_a_forest_without_trees_says_nothing() -> None:
    trees, _, x = fitted(SETTINGS[0], 1, rounds=1)
    none = trees.first(0)
    assert not none.raw(x).any()
    assert not none.shares(x, Grouping(("all",), np.zeros(7, dtype=np.int64))).any()


def digest(seed: int) -> str:
    """Return what a model of that seed gives, as one word; other seeds have other trees, widths and players."""
    trees, _, x = fitted(SETTINGS[seed % 2], seed, rounds=1 + seed)
    x, players = x[:: 20 - seed], Grouping(tuple("abcd"), np.arange(7) * (1 + seed) % 4)
    small = Trees(trees.forest, trees.columns)
    parts = [small.raw(x), small.shares(x, players), small.shares(x[:1], players)]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


@pytest.mark.slow
def test_another_model_from_a_warm_cache_gives_what_uncompiled_loops_give(tmp_path: Path) -> None:
    def run(seed: int, **more: str) -> str:
        code = f"from tests.models.test_tree_kernel import digest; print(digest({seed}))"
        env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0", **more}
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    first = run(1)
    kept = {path.name for path in tmp_path.rglob("*.nbc")}
    assert any("shares" in name for name in kept)
    assert run(4) == run(4, NUMBA_DISABLE_JIT="1") != first
    assert run(1) == first == run(1, NUMBA_DISABLE_JIT="1")
    assert {path.name for path in tmp_path.rglob("*.nbc")} == kept
