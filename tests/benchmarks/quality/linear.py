"""Logistic regression as one would do it by hand: imputed, scaled, one-hot, the penalty found on the validation parts.

Numbers enter as they are or as signed logarithms, whichever validates better; their missing values get the median and a flag.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from tests.benchmarks.quality.entry import Entry, Floats, validation
from tests.benchmarks.quality.losses import mean_loss

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
"""Inverse penalties."""


def answer(entry: Entry) -> Floats:
    """Find the penalty, fit on everything, answer."""
    x, rows = _inside(entry, entry.learn.x), entry.learn.rows
    losses = {}
    for c, logs in product(STRENGTHS, (False, True)):
        found = []
        for part in validation(entry.learn):
            model = _pipeline(entry, c, logs)
            model.fit(x[part.learn], rows.outcome[part.learn], logisticregression__sample_weight=rows.weight[part.learn])
            found.append(mean_loss(model.predict_proba(x[part.valid])[:, 1], rows, part.valid))
        losses[c, logs] = float(np.mean(found))
    model = _pipeline(entry, *min(losses, key=lambda one: (losses[one], one)))
    model.fit(x, rows.outcome, logisticregression__sample_weight=rows.weight)
    # What lies outside the range of training would otherwise be multiplied out without end.
    answers: Floats = model.predict_proba(_inside(entry, entry.x))[:, 1]
    return answers


def signed_log(x: Floats) -> Floats:
    """Return signed logarithms."""
    logs: Floats = np.sign(x) * np.log1p(np.abs(x))
    return logs


def _pipeline(entry: Entry, c: float, logs: bool) -> Pipeline:
    numbers = [SimpleImputer(strategy="median", add_indicator=True), StandardScaler()]
    if logs:
        numbers.insert(0, FunctionTransformer(signed_log))
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(*numbers), entry.numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore"), entry.categories),
        ]
    )
    return make_pipeline(prepared, LogisticRegression(C=c, max_iter=2_000))


def _inside(entry: Entry, x: Floats) -> Floats:
    lower, upper = (np.array([getattr(column, end) for column in entry.columns]) for end in ("lower", "upper"))
    return np.clip(x, lower, upper)
