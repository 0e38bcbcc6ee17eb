"""A contest: a model that is given, frozen, and the challenger's recipe answer the same looks, new to both.

The looks are mature, of leads that started at or after the later of the two training origins: the model's own, and the one of the
rehearsal (what lies before has helped to choose the challenger's recipe). If the model's is later, the challenger's recipe is
fitted again as of then, so that neither has the newer data.

With fewer than 20 converting accounts (a lead without one is its own), or a model that promises something else, the two recipes
are fitted on the same rows instead and answer the last fold. That compares ways of learning, not models, and the reason
says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.clock import NEVER
from features.errors import InputError
from features.reading.inactivity import close_inactive
from features.reading.model_part import as_trained
from features.tables import Tables, read_tables
from features.workspace import Workspace
from models.champion import same_mapping
from models.scorer import Scorer
from training.dataset import TrainingSet
from training.evaluation import Answers, Difference, compare, macro_log_loss
from training.folds import Fold, Folds
from training.metrics import Floats
from training.pairs import Table
from training.recipe import Fitted, Recipe, rehearse
from training.rows import Rows
from training.scoring import probabilities, trained_at

FEWEST_CONVERSIONS = 20
"""Below so many accounts with a conversion that is new to both, the two recipes are compared instead.

Accounts, not leads: the interval resamples whole accounts, and colleagues who pay together are one witness.
"""

SAME_LEADS = "on the same later leads"
RECIPES = "the two recipes fitted on the same rows, since {why}"


@dataclass(frozen=True, slots=True)
class Contest:
    """The same looks, answered twice."""

    ours: Answers
    theirs: Floats
    data: TrainingSet
    """The training set with the folds of the contest: the last one is the looks that were answered."""
    difference: Difference
    """Our log-loss minus theirs."""
    how: str

    @property
    def their_loss(self) -> float:
        """Their log-loss, averaged over the ages."""
        return macro_log_loss(self.ours.instead(self.theirs))

    def told(self, rival: str) -> str:
        """Return the difference with its interval, in words."""
        one, bought = self.difference, self.ours.outcome == 1
        leads = f"{len(np.unique(self.ours.lead)):,} leads, {len(np.unique(self.ours.lead[bought])):,} conversions"
        return f"log-loss {one.value:+.5f} [{one.low:+.5f}, {one.high:+.5f}] against {rival}, {self.how} ({leads})"


def hold(rival: Scorer, ws: Workspace, data: TrainingSet, fitted: Fitted, *, seed: int) -> Contest:
    """Let the challenger meet a model."""
    why = _cannot_meet(rival, ws, data)
    if why is None:
        origin = max(trained_at(rival.meta.facts), data.folds.last.origin or 0)
        meeting = replace(data, folds=folds_at(data, origin))
        rows = data.exam.rows.take(meeting.folds.last.examine)
        theirs = None
        if len(np.unique(rows.cluster[rows.outcome == 1])) < FEWEST_CONVERSIONS:
            why = "too few conversions are new to both (each account counts once)"
        elif not all(_has_both_outcomes(fold, meeting) for fold in meeting.folds.choice) or not meeting.folds.choice:
            why = "too little was known when the leads that are new to both began"
        elif (theirs := _answers_of(rival, ws, data, rows)) is None:
            why = "the other model cannot read these data"
        else:
            again = meeting.folds is not data.folds
            ours = rehearse(fitted.recipe, meeting, seed=seed) if again else fitted.rehearsed
            return Contest(ours, theirs, meeting, compare(ours, theirs, seed=seed), SAME_LEADS)
    theirs = _their_recipe(rival, data, fitted, seed)
    difference = compare(fitted.rehearsed, theirs, seed=seed)
    return Contest(fitted.rehearsed, theirs, data, difference, RECIPES.format(why=why))


def _has_both_outcomes(fold: Fold, data: TrainingSet) -> bool:
    """Tell whether a fold can be learnt from."""
    return 0 < int(data.learners.rows.outcome[fold.learn].sum()) < len(fold.learn)


def folds_at(data: TrainingSet, origin: int) -> Folds:
    """Return the folds as they would have stood at a later origin: whoever starts from then on is examined, once.

    What became known too late for the origin of the last fold itself is left out by the rehearsal.
    """
    folds, learn, exam = data.folds, data.learners.rows, data.exam.rows
    if origin == folds.last.origin:
        return folds
    known = [replace(fold, examine=fold.examine[exam.mature_at[fold.examine] <= origin]) for fold in (*folds.choice, folds.last)]
    last = Fold(np.flatnonzero(learn.mature_at <= origin), np.flatnonzero(exam.started_at >= origin), origin)
    return Folds(tuple(fold for fold in known if len(fold.examine)), last, time_forward=True)


def _cannot_meet(rival: Scorer, ws: Workspace, data: TrainingSet) -> str | None:
    """Return why a model and the challenger cannot answer the same question about new leads, if they cannot."""
    facts = rival.meta.facts
    if not data.folds.time_forward or trained_at(facts) >= NEVER:
        return "the history is too short, or has no dates, to go forward in time"
    if rival.meta.horizon_days != ws.label.horizon_days or facts.get("gap_hours", ws.label.gap_hours) != ws.label.gap_hours:
        return "the other model promises something else (label)"
    return None


def _answers_of(rival: Scorer, ws: Workspace, data: TrainingSet, rows: Rows) -> Floats | None:
    """Return a model's answers; one that was trained by another mapping reads the data anew, as it does in use."""
    if same_mapping(ws, rival.definition):
        return probabilities(rival, data.tables, rows.lead, rows.as_of)
    try:
        tables = read_tables(ws, rival.definition, cut=data.window.now)
    except InputError:
        return None
    tables = close_inactive(as_trained(ws, rival.definition), tables)
    lead = _same_leads(data.tables, tables, rows.lead)
    return None if lead is None else probabilities(rival, tables, lead, rows.as_of)


def _same_leads(before: Tables, after: Tables, lead: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return where the leads of one reading stand in another, None if one of them is not there."""
    place = {lead_id: number for number, lead_id in enumerate(after.leads.ids)}
    found = np.array([place.get(before.leads.ids[number], -1) for number in lead.tolist()], dtype=np.int64)
    return None if (found < 0).any() else found


def _their_recipe(rival: Scorer, data: TrainingSet, fitted: Fitted, seed: int) -> Floats:
    """Rehearse a model's recipe on its own columns; one whose recipe cannot be read here is answered with the base rate."""
    try:
        recipe = Recipe(**rival.meta.facts["recipe"])  # type: ignore[arg-type]
    except (KeyError, TypeError):
        return fitted.base_rate
    kept = np.array([column.name in rival.names for column in data.columns])
    if recipe == fitted.recipe and kept.all():
        return fitted.rehearsed.probability
    # A column that the model does not have says nothing: it is 0 throughout, as a value that is unknown.
    learners, exam = (Table(table.rows, np.where(kept, table.x, 0.0)) for table in (data.learners, data.exam))
    return rehearse(recipe, replace(data, learners=learners, exam=exam), seed=seed).probability
