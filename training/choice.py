"""Which learner, and which calibration: the simplest that nothing beats by more than the noise."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import METHODS, Calibrator
from models.calibration_fit import fit_calibrator
from training.evaluation import Answers, Difference, compare
from training.folds import CONVERSIONS_PER_ORIGIN
from training.metrics import Floats

FEWEST_CLUSTERS = 10
"""Of fewer accounts (or leads without one) no difference is believed.

The spread of k resampled clusters is too small by sqrt((k - 1) / k) and has k - 1 degrees of freedom: what is as good wins by
one such error in 16 of 100 cases with many clusters, in 18 with 10, in 21 with 5, in 30 with 2, and in half of them with one.
"""


NO_HEDGES: Mapping[str, Collection[str]] = {}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was kept, and each newcomer's difference in log-loss from what it had to beat."""

    kept: str
    tried: dict[str, Difference]


@dataclass(frozen=True, slots=True)
class Scores:
    """Raw log-odds of examined rows, pooled over folds, beside what happened."""

    answers: Answers
    raw: Floats
    weight: Floats
    fold: NDArray[np.int64]


def simplest_within_noise(
    candidates: Mapping[str, Floats], answers: Answers, *, seed: int, hedges: Mapping[str, Collection[str]] = NO_HEDGES
) -> Choice:
    """Go through the candidates from simple to complicated; one replaces the kept one if it is better by a standard error.

    ``hedges`` names those that need not be better by an error where one of the given ones is kept, but better.

    ``candidates`` holds each one's probabilities for the rows of ``answers``. The error is that of the paired difference over
    whole clusters, so that rows of one account do not count as independent witnesses. Of too few clusters it is not known, and
    the first is kept.
    """
    names = list(candidates)
    kept, tried = names[0], {}
    believed = len(np.unique(answers.cluster)) >= FEWEST_CLUSTERS
    for name in names[1:]:
        tried[name] = compare(answers.instead(candidates[name]), candidates[kept], seed=seed)
        needed = 0.0 if kept in hedges.get(name, ()) else tried[name].error
        if believed and tried[name].value + needed < 0.0:
            kept = name
    return Choice(kept, tried)


def choose_calibration(scores: Scores, *, seed: int) -> Choice:
    """Return the calibration that helps on folds it was not fitted on."""
    parts = scores.fold if len(np.unique(scores.fold)) > 1 else scores.answers.cluster % 2
    candidates = {method: _left_out(method, scores, parts) for method in METHODS}
    return simplest_within_noise(candidates, scores.answers, seed=seed)


def calibrated(method: str, scores: Scores) -> Calibrator:
    """Fit a calibration on all the pooled scores; of too few conversions the learner's own log-odds stand."""
    answers = scores.answers
    if len(np.unique(answers.lead[answers.outcome == 1])) < CONVERSIONS_PER_ORIGIN:
        return Calibrator()
    return fit_calibrator(method, scores.raw, scores.answers.outcome, scores.weight)


def pooled(parts: Sequence[Scores]) -> Scores:
    """Join the scores of several folds."""
    answers = [part.answers for part in parts]
    together = Answers(
        *(
            np.concatenate([getattr(one, name) for one in answers])
            for name in ("lead", "cluster", "look", "outcome", "probability")
        )
    )
    raw, weight, fold = (np.concatenate([getattr(part, name) for part in parts]) for name in ("raw", "weight", "fold"))
    return Scores(together, raw, weight, fold)


def mean_promise(scores: Scores, calibrator: Calibrator) -> float:
    """Return the mean probability, each lead counting once."""
    return float(np.average(calibrator.probability(scores.raw), weights=scores.weight))


def _left_out(method: str, scores: Scores, parts: NDArray[np.int64]) -> Floats:
    """Return each row's probability by a calibration that saw the other parts only."""
    probability = np.empty(len(scores.raw))
    for part in np.unique(parts):
        inside = parts == part
        y = scores.answers.outcome[~inside]
        fitted = fit_calibrator(method, scores.raw[~inside], y, scores.weight[~inside])
        probability[inside] = fitted.probability(scores.raw[inside])
    return probability
