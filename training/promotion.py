"""The gate: a challenger becomes champion when it is shown to be better, or when a person insists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.clock import NEVER
from features.errors import InputError
from features.matrix import compute
from features.reading.moments import parse_moment
from features.workspace import Workspace
from models.champion import same_mapping
from models.scorer import Scorer
from training.dataset import TrainingSet
from training.evaluation import Difference, compare
from training.metrics import Floats
from training.recipe import Fitted, Recipe, rehearse
from training.verdict import NONE, Verdict

MODES = ("auto", "never", "force")
FEWEST_CONVERSIONS = 20
"""Below so many converting leads that the champion has not seen, the two recipes are compared instead."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What was decided, and why."""

    decision: str
    reason: str

    @property
    def promoted(self) -> bool:
        """Whether the challenger is to serve."""
        return self.decision in ("promoted", "forced")

    def as_dict(self) -> dict[str, str]:
        """Return the shape that is printed."""
        return {"decision": self.decision, "reason": self.reason}


def decide(
    mode: str,
    ws: Workspace,
    data: TrainingSet,
    fitted: Fitted,
    verdict: Verdict,
    champion: Scorer | None,
    *,
    absent: str = "there is no champion yet",
    seed: int,
) -> Gate:
    """Decide whether the challenger serves; `absent` says why there is no champion, where there is none."""
    if mode == "never":
        return Gate("kept", "--promote never: registered, not promoted")
    if mode == "force":
        return Gate("forced", f"--promote force, whatever the gate would say; verdict: {verdict.sentence}")
    if verdict.word == NONE:
        return Gate("kept", verdict.sentence)
    if champion is None:
        return Gate("promoted", f"{absent}, and the model is better than the base rate")
    difference, how = _against(champion, ws, data, fitted, seed)
    told = f"log-loss {difference.value:+.5f} [{difference.low:+.5f}, {difference.high:+.5f}] against the champion, {how}"
    if difference.high < 0.0:
        return Gate("promoted", f"better: {told}")
    return Gate("kept", f"not shown to be better: {told}")


def need_mode(mode: str) -> None:
    """Refuse a mode of promotion that does not exist."""
    if mode not in MODES:
        raise InputError("--promote has no such mode", given=mode, expected=", ".join(MODES), do="choose one of them")


def _against(champion: Scorer, ws: Workspace, data: TrainingSet, fitted: Fitted, seed: int) -> tuple[Difference, str]:
    """Compare the rehearsal with the champion on later leads that neither has seen, or with the champion's recipe."""
    answers = fitted.rehearsed
    rows = data.exam.rows.take(data.folds.last.examine)
    if same_mapping(ws, champion.definition):
        unseen = (rows.started_at >= _origin(champion.meta.facts)) & data.folds.time_forward
        if len(np.unique(rows.lead[unseen & (rows.outcome == 1)])) >= FEWEST_CONVERSIONS:
            matrix = compute(champion.feature_set, data.tables, rows.lead, rows.as_of)
            theirs = champion.probability(champion.select(champion.feature_set.names, matrix.values))
            return compare(answers.where(unseen), theirs[unseen], seed=seed), "on the same later leads"
    theirs = _their_recipe(champion.meta.facts, data, fitted, seed)
    return compare(
        answers, theirs, seed=seed
    ), "the two recipes fitted on the same rows, since too few leads are new to the champion"


def _origin(facts: Mapping[str, Any]) -> int:
    """Return the instant after which leads are new to a model."""
    as_of = facts.get("as_of")
    return parse_moment(as_of) if isinstance(as_of, str) and as_of else NEVER


def _their_recipe(facts: Mapping[str, Any], data: TrainingSet, fitted: Fitted, seed: int) -> Floats:
    """Rehearse the champion's recipe as ours was; a model whose recipe cannot be read here is answered with the base rate."""
    try:
        recipe = Recipe(**facts["recipe"])
    except (KeyError, TypeError):
        return fitted.base_rate
    if recipe == fitted.recipe:
        return fitted.rehearsed.probability
    return rehearse(recipe, data, seed=seed).probability
