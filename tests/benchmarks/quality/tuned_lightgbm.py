"""LightGBM tuned by Optuna: a seeded search, early stopping on the validation parts, then a fit on everything."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import optuna

from tests.benchmarks.quality.entry import Entry, Floats, Part, validation
from tests.benchmarks.quality.losses import mean_loss

TRIALS = 25
MOST_ROUNDS = 600
PATIENCE = 40


def answer(entry: Entry, *, trials: int = TRIALS) -> Floats:
    """Search, fit on everything, answer."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parts = validation(entry.learn)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(lambda trial: _validated(entry, parts, trial), n_trials=trials, n_jobs=1)
    booster = lightgbm.train(_settings(study.best_params), _data(entry), study.best_trial.user_attrs["rounds"])
    return np.asarray(booster.predict(entry.x), dtype=np.float64)


def _validated(entry: Entry, parts: list[Part], trial: optuna.Trial) -> float:
    settings = _settings(_suggested(trial))
    losses, rounds = [], []
    for part in parts:
        learn, valid = (_data(entry, positions) for positions in (part.learn, part.valid))
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        booster = lightgbm.train(settings, learn, MOST_ROUNDS, valid_sets=[valid], callbacks=[stop])
        rounds.append(booster.best_iteration)
        given = np.asarray(booster.predict(entry.learn.x[part.valid]), dtype=np.float64)
        losses.append(mean_loss(given, entry.learn.rows, part.valid))
    trial.set_user_attr("rounds", max(1, round(float(np.mean(rounds)))))
    return float(np.mean(losses))


def _suggested(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 10, 500, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "lambda_l1": trial.suggest_float("lambda_l1", 1e-3, 10.0, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 100.0, log=True),
    }


def _settings(found: dict[str, Any]) -> dict[str, Any]:
    fixed = {"objective": "binary", "deterministic": True, "force_row_wise": True, "num_threads": 1, "seed": 0, "verbosity": -1}
    return {**found, **fixed, "bagging_freq": 1}


def _data(entry: Entry, positions: Any = slice(None)) -> lightgbm.Dataset:
    rows = entry.learn.rows
    return lightgbm.Dataset(
        np.ascontiguousarray(entry.learn.x[positions]),
        label=rows.outcome[positions],
        weight=rows.weight[positions],
        categorical_feature=entry.categories,
        params={"verbosity": -1},
    )
