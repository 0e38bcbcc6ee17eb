"""scikit-learn's HistGradientBoostingClassifier, native categories; its rounds and leaves are found on the validation parts."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from tests.benchmarks.quality.entry import Entry, Floats, validation
from tests.benchmarks.quality.losses import mean_loss

MOST_ROUNDS = 200
LEAVES = (8, 31)
MOST_VALUES = 255
"""So many categories it takes at most; where there are more, a column goes in as a number."""


def answer(entry: Entry, *, most_rounds: int = MOST_ROUNDS) -> Floats:
    """Find how many rounds and leaves, fit on everything, answer."""
    rows, best = entry.learn.rows, (float("inf"), 0, 0)
    for leaves in LEAVES:
        losses = np.zeros(most_rounds)
        for part in validation(entry.learn):
            model = _model(entry, leaves, most_rounds)
            model.fit(entry.learn.x[part.learn], rows.outcome[part.learn], sample_weight=rows.weight[part.learn])
            staged = model.staged_predict_proba(entry.learn.x[part.valid])
            losses += [mean_loss(one[:, 1], rows, part.valid) for one in staged]
        rounds = int(losses.argmin())
        best = min(best, (float(losses[rounds]), leaves, rounds + 1))
    model = _model(entry, best[1], best[2]).fit(entry.learn.x, rows.outcome, sample_weight=rows.weight)
    answers: Floats = model.predict_proba(entry.x)[:, 1]
    return answers


def _model(entry: Entry, leaves: int, rounds: int) -> HistGradientBoostingClassifier:
    native = [place for place in entry.categories if entry.columns[place].size + 1 < MOST_VALUES]
    return HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=0.06,
        max_leaf_nodes=leaves,
        categorical_features=native,
        early_stopping=False,
        random_state=0,
    )
