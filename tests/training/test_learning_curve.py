"""The learning curve: falling where more history helps, cautious where nothing can be told, cheap, and the same twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.workspace import load_workspace
from tests.training.small_world import SmallWorld, silent
from training import learning_curve as module
from training.dataset import TrainingSet, build
from training.fitting import Recipe
from training.learning_curve import learning_curve
from training.pairs import Pair, Table
from training.verbs import _read

RECIPE = Recipe("trees", 0.03, {}, 10, "identity")


def made(folder: Path, signal: float) -> TrainingSet:
    ws = load_workspace(SmallWorld(signal=signal).write(folder))
    tables, window = _read(ws, None, None, None, silent)
    return build(ws, tables, window, seed=0, say=silent)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    return made(tmp_path_factory.mktemp("curve"), 2.0)


def test_more_history_is_better_and_the_next_conversions_bring_less(data: TrainingSet) -> None:
    curve = learning_curve(RECIPE, data, seed=0)
    assert curve is not None
    sizes = [point.conversions for point in curve.points]
    assert sizes == sorted(sizes)
    assert curve.points[-1].log_loss < curve.points[0].log_loss
    assert curve.points[-1].auc > 0.6
    assert 0.0 < curve.gain < curve.points[0].log_loss - curve.points[-1].log_loss
    assert curve.low <= curve.gain <= curve.high
    plain = curve.as_dict()
    assert plain["next_100_conversions"]["value"] == curve.gain
    assert len(plain["sizes"]) == len(curve.points) <= 5
    assert learning_curve(RECIPE, data, seed=0) == curve


def test_large_histories_are_sampled(data: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learning_curve(RECIPE, data, seed=0)
    monkeypatch.setattr(module, "MOST_CELLS", data.learners.x.size // 3)
    part = learning_curve(RECIPE, data, seed=0)
    assert whole is not None
    assert part is not None
    assert part.points[-1].leads < 0.8 * whole.points[-1].leads


def test_one_giant_account_is_sampled_as_well(data: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_account(table: Table) -> Table:
        return replace(table, rows=replace(table.rows, cluster=np.zeros_like(table.rows.cluster)))

    pair = Pair(one_account(data.learners), one_account(data.exam))
    monkeypatch.setattr(module, "MOST_CELLS", data.learners.x.size // 3)
    part = module._bounded(pair, np.random.default_rng(0))
    assert 0.2 < len(part.learn.rows) / len(pair.learn.rows) < 0.5


def test_where_nothing_can_be_told_it_says_so(data: TrainingSet) -> None:
    assert module._sentence(0.3, 0.01, -0.01, 0.02, 0.0).endswith("cannot be told from this history.")
    assert "hardly change" in module._sentence(0.3, 0.00001, 0.000001, 0.00002, 0.0)
    assert "0.0100 [0.0050, 0.0200]" in module._sentence(0.3, 0.01, 0.005, 0.02, 0.004)
    assert learning_curve(replace(RECIPE, penalty=0.0), data, seed=0) is None


def test_the_law_is_found() -> None:
    n = np.array([10.0, 20.0, 40.0, 80.0])
    assert module._falling(n, 0.3 + 0.7 / n) == pytest.approx(0.7)
    assert module._falling(n[:1], [0.3]) == 0.0
