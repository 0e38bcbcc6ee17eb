"""The model against the simulator's true probabilities, on leads that started after its training data."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from features.reading.moments import parse_moment
from tests.journeys.conftest import trialwise
from training.simulator import simulate

Floats = npt.NDArray[np.float64]

LEADS = 30_000
TRAINED_AS_OF = "2026-02-01T00:00:00Z"
AGE = 7


def logit(p: Floats) -> Floats:
    return np.log(p / (1 - p))


def calibration_slope(promised: Floats, true: Floats) -> float:
    """Logistic regression of the outcome on the promised log-odds, with the true probability in the outcome's place (Newton)."""
    x = np.column_stack([np.ones_like(promised), logit(promised)])
    beta = np.array([0.0, 1.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        beta += np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x, x.T @ (true - p))
    return float(beta[1])


def expected_auc(score: Floats, true: Floats) -> float:
    """The AUC of a score over all outcomes that the true probabilities could draw: each lead is both, in these shares."""
    both = np.repeat([1, 0], len(true))
    return float(roc_auc_score(both, np.tile(score, 2), sample_weight=np.concatenate([true, 1 - true])))


@pytest.mark.slow
def test_calibration_slope_ranking_and_distance(tmp_path: Path) -> None:
    world = simulate(5, leads=LEADS)
    workspace = world.write(tmp_path / "data")
    home = tmp_path / "var"
    trialwise("train", "-w", workspace, "--as-of", TRAINED_AS_OF, "--trials", 8, home=home)
    out = tmp_path / "scores.csv"
    trialwise("score", "-w", workspace, "--age", AGE, "--started-from", TRAINED_AS_OF, "--out", out, home=home)
    with out.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    promised = np.array([float(row["probability"]) for row in rows])
    true = world.truth([row["lead_id"] for row in rows], np.array([parse_moment(row["as_of"]) for row in rows]))
    assert len(rows) > 3_000
    assert np.isfinite(true).all()

    bins = np.array_split(np.argsort(promised, kind="stable"), 10)
    error = np.mean([abs(promised[group].mean() - true[group].mean()) for group in bins])
    assert error < 0.02
    assert 0.9 <= calibration_slope(promised, true) <= 1.1
    assert expected_auc(promised, true) > expected_auc(true, true) - 0.04
    assert np.abs(promised - true).mean() < np.abs(true.mean() - true).mean() / 2
