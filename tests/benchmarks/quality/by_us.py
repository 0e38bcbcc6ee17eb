"""Our contestant: what `trialwise train` fits with its defaults, and what `trialwise score` then answers."""

from __future__ import annotations

from features.workspace import Workspace
from models.scorer import Meta, Scorer
from tests.benchmarks.quality.entry import Floats
from tests.benchmarks.quality.real_sets import Fit
from training.recipe import Recipe, fit
from training.reference import build_reference
from training.tuning import Search
from training.verdict import Verdict

TRIALS = 20
"""The default of `trialwise train`."""


def answer(ws: Workspace, given: Fit, *, trials: int = TRIALS) -> tuple[Floats, Recipe]:
    """Return our probabilities, and by which recipe."""
    training = given.training
    fitted = fit(training, Search(trials, None, 0), say=_silent)
    scorer = Scorer(
        definition=training.definition,
        columns=training.columns,
        learner=fitted.learner,
        calibrator=fitted.calibrator,
        reference=build_reference(ws, training, fitted, Verdict("weak", "")),
        meta=Meta(ws.name, ws.label.horizon_days),
    )
    return scorer.probability(given.entry.x), fitted.recipe


def _silent(line: str) -> None:
    """Say nothing."""
