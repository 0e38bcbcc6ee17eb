"""FLAML: AutoML within a budget of seconds, in one thread; the only contestant whose answers depend on the machine.

It chooses among LightGBM, XGBoost, random forest, extra trees and linear models. FLAML cannot be imported without XGBoost; the
lock has the build without graphics cards (6 MB instead of 300).
"""

from __future__ import annotations

import warnings

import numpy as np

from tests.benchmarks.quality.entry import Entry, Floats, frame, validation


def answer(entry: Entry, *, seconds: float) -> Floats:
    """Let it search on the validation parts and fit the best on everything, then answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports warn, of pandas 3 among others
        from flaml.automl.automl import AutoML

        # Sorted by start, so that its last rows are the newest.
        order = np.argsort(entry.learn.rows.started_at, kind="stable")
        table = entry.learn.take(order)
        parts = validation(table)
        how = {"eval_method": "cv", "n_splits": len(parts), "split_type": "group", "groups": table.rows.cluster}
        if len(parts) == 1:
            how = {"eval_method": "holdout", "split_type": "time", "split_ratio": len(parts[0].valid) / len(table.rows)}
        model = AutoML()
        model.fit(
            X_train=frame(table.x, entry.columns),
            y_train=table.rows.outcome,
            sample_weight=table.rows.weight,
            task="classification",
            metric="log_loss",
            time_budget=seconds,
            n_jobs=1,
            seed=0,
            retrain_full=True,
            mlflow_logging=False,
            verbose=0,
            **how,
        )
        answers = model.predict_proba(frame(entry.x, entry.columns))
    return np.asarray(answers, dtype=np.float64)[:, 1]
