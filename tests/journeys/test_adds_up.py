"""Law 4 on real data: for each learner, base + points + rest is the probability, and likewise in log-odds, to 1e-9."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.reading.moments import parse_moment
from features.tables import read_tables
from features.workspace import load_workspace
from models.calibration_fit import fit_calibrator
from models.columns import by_player
from models.explanation import Start, explain
from tests.journeys.conftest import ROOT
from training.dataset import Window, build
from training.recipe import Recipe, fit_learner

SHARED = ROOT.parent / "shared" / "data"
WORKSPACES = ROOT / "tests" / "workspaces"
SETS = {"365": "2022-08-01", "relax_14": "2013-07-01", "oulad": "2014-01-01", "x_education": None}
TREES = {"num_leaves": 15, "learning_rate": 0.1, "min_child_samples": 40, "feature_fraction": 0.7, "lambda_l2": 1.0}


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real data sets are not beside this checkout")
@pytest.mark.parametrize("name", SETS)
def test_on_every_scored_lead(name: str) -> None:
    ws = load_workspace(Path(WORKSPACES / f"{name}.yaml"))
    when = SETS[name]
    now = 0 if when is None else parse_moment(when)
    data = build(ws, read_tables(ws, cut=None if when is None else now), Window(now), seed=0, say=lambda _: None)
    rows, x = data.exam.rows, data.exam.x
    grouping = by_player(data.columns, sorted({column.player for column in data.columns}))
    for kind in ("base_rate", "logistic", "trees", "blend"):
        learner = fit_learner(Recipe(kind, 1.0, TREES, 60, "platt"), data.learners, data.columns, seed=0)
        raw = learner.raw(data.exam.x)
        for method in ("platt", "beta", "isotonic"):
            calibrator = fit_calibrator(method, raw, rows.outcome, rows.weight)
            start = Start.of(learner.expected, calibrator)
            told = explain(grouping.names, learner.raw(x), start, learner.contributions(x, grouping), calibrator)
            base = float(calibrator.probability(np.array([learner.expected]))[0])
            assert np.abs(base + told.points.sum(axis=1) - told.probability).max() < 1e-9
            assert np.abs(logit(np.array(base)) + told.log_odds.sum(axis=1) - logit(told.probability)).max() < 1e-9
            assert np.array_equal(told.probability, calibrator.probability(learner.raw(x)))
            listed = told.top(0, 3)
            assert len(listed) <= 3
            rest, _ = told.rest(0, listed)
            assert abs(base + told.points[0, listed].sum() + rest - told.probability[0]) < 1e-9
