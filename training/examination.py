"""Examination: everything that is told of a rehearsal beside the six figures, and what goes where of it.

The figures without the model itself (calibration, slices, what a list brings) are ready before the model is put together, since
they belong into its facts; the funnel and the importances need the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.workspace import Workspace
from models.scorer import Scorer
from training.calibration_check import Bin, Calibration, age_thirds, calibration_bins, check_calibration
from training.dataset import TrainingSet
from training.dependence import Curve, dependence
from training.evaluation import Figure
from training.funnel import Funnel, funnel
from training.gains import Gains, gains, weekly_contacts
from training.importance import Importance, importances
from training.profile import Profile, profile_of
from training.recipe import Fitted
from training.slices import Slices, attribute_parts, parts_of, slice_up

CATEGORIES_CHECKED = 2
"""So many categories of each attribute, the largest, are asked for their calibration."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What the rehearsal showed."""

    calibration: list[Calibration]
    """All rows first, then each age third and the largest categories; empty where only one outcome was seen."""
    bins: list[Bin]
    slices: Slices
    gains: Gains | None

    @property
    def sentences(self) -> list[str]:
        """Say what the list brings, whether the probabilities can be believed, and which slice is worst."""
        told = [self.gains.sentence] if self.gains else []
        if self.calibration:
            told.append(calibration_sentence(self.calibration[0]))
        return [*told, self.slices.sentence] if self.slices.questions else told

    def facts(self) -> dict[str, Any]:
        """Return the facts that the model carries with it."""
        return {
            "calibration": [one.as_dict() for one in self.calibration],
            "slices": self.slices.as_dict(),
            "at_capacity": self.gains.as_dict() if self.gains else {},
        }

    def metrics(self) -> dict[str, float]:
        """Return the figures for MLflow, by name, each with its interval."""
        found: dict[str, float] = {}
        if self.calibration:
            for name, figure in self.calibration[0].figures.items():
                found |= _with_bounds(name, figure)
        if self.gains:
            found |= _with_bounds("rate_at_capacity", self.gains.rate)
            if (weekly := self.gains.conversions_a_week) is not None:
                found |= _with_bounds("conversions_a_week_at_capacity", weekly)
        return found


@dataclass(frozen=True, slots=True)
class Explained:
    """What the shipped model goes by, and how its stages close."""

    funnel: Funnel | None
    behaviours: list[Importance]
    features: list[Importance]
    curves: list[Curve]
    profile: Profile | None = None
    """None where there is no attribute, or too little to learn from."""

    @property
    def sentences(self) -> list[str]:
        """Say whether PQLs close better, and who converts."""
        told = [self.funnel.sentence] if self.funnel else []
        return [*told, *self.profile.lines] if self.profile else told

    def facts(self) -> dict[str, Any]:
        """Return the facts that the model carries with it."""
        return {"funnel": self.funnel.as_dict() if self.funnel else {}}

    def metrics(self) -> dict[str, float]:
        """Return the conversion of each stage for MLflow."""
        found: dict[str, float] = {}
        for stage in self.funnel.stages if self.funnel else ():
            found |= _with_bounds(f"funnel/{stage.name}", stage.rate)
        return found


def examine(ws: Workspace, data: TrainingSet, fitted: Fitted, new_account: NDArray[np.bool_], *, seed: int) -> Examination:
    """Examine the rehearsal; `new_account` tells the rows of accounts that it had learnt nothing of."""
    answers = fitted.rehearsed
    if not len(answers.outcome):
        return Examination([], [], Slices([], 0, None, ""), None)
    parts = [*age_thirds(answers, data.ages_days), *attribute_parts(data, CATEGORIES_CHECKED, numbers=False)]
    return Examination(
        check_calibration(answers, fitted.base_rate, parts, seed=seed),
        calibration_bins(answers),
        slice_up(answers, parts_of(data, answers, new_account)),
        gains(answers, weekly_contacts(ws, data, answers), seed=seed),
    )


def explain_model(ws: Workspace, data: TrainingSet, fitted: Fitted, scorer: Scorer, *, seed: int) -> Explained:
    """Return what the model goes by and how its stages close, on the leads of the last fold."""
    if not data.learnable:
        return Explained(None, [], [], [])
    found = importances(data, fitted, scorer, seed=seed)
    closing = funnel(ws, data, fitted.rehearsed, scorer, seed=seed)
    profile = profile_of(ws, data, scorer, seed=seed)
    return Explained(closing, found.behaviours, found.features, dependence(found, scorer), profile)


def with_facts(scorer: Scorer, facts: Mapping[str, Any]) -> Scorer:
    """Return the same model with more facts."""
    return replace(scorer, meta=replace(scorer.meta, facts={**scorer.meta.facts, **facts}))


def calibration_sentence(overall: Calibration) -> str:
    """Say whether the promises held."""
    slope, gap = overall.figures["calibration_slope"], overall.figures["calibration_gap"]
    held = gap.low <= 0.0 <= gap.high and slope.low <= 1.0 <= slope.high
    judged = "the probabilities hold" if held else "the probabilities are off"
    return (
        f"Calibration: {judged}; {100 * overall.promised:.1f} % were promised and {100 * overall.happened:.1f} % converted, "
        f"slope {slope.value:.2f} [{slope.low:.2f}, {slope.high:.2f}]."
    )


def _with_bounds(name: str, figure: Figure) -> dict[str, float]:
    return {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
