"""One small training with everything that is told of it, made once for all the tests of a process."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from features.tables import read_tables
from features.workspace import Workspace, load_workspace
from models.scorer import Scorer
from tests.training.small_world import SmallWorld, silent
from training.dataset import TrainingSet, Window, build
from training.evaluation import compare, evaluate
from training.examination import Examination, Explained, examine, explain_model, with_facts
from training.promotion import Gate
from training.recipe import Fitted, fit
from training.report.content import Content, gather
from training.tuning import Search
from training.verbs import assemble, new_accounts
from training.verdict import judge

GATE = Gate("first", "there is no champion yet, and the model is better than the base rate")


@dataclass(frozen=True)
class Judged:
    """A training that was examined."""

    ws: Workspace
    data: TrainingSet
    fitted: Fitted
    scorer: Scorer
    examination: Examination
    explained: Explained
    content: Content


@cache
def judged_world() -> Judged:
    """Train on a small product and examine the model."""
    with tempfile.TemporaryDirectory() as folder:
        ws = load_workspace(SmallWorld(leads=1_000).write(Path(folder)))
        tables = read_tables(ws)
    data = build(ws, tables, Window(tables.newest), seed=0, say=silent)
    search = Search(0, None, 0)
    fitted = fit(data, search, say=silent)
    evaluation, gain = evaluate(fitted.rehearsed, seed=0), compare(fitted.rehearsed, fitted.base_rate, seed=0)
    verdict = judge(evaluation, gain, learner=fitted.recipe.learner, time_forward=data.folds.time_forward)
    examination = examine(ws, data, fitted, new_accounts(data), seed=0)
    scorer = with_facts(assemble(ws, data, fitted, evaluation, None, gain, verdict, search), examination.facts())
    explained = explain_model(ws, data, fitted, scorer, seed=0)
    content = gather(ws, data, scorer, verdict, GATE, evaluation, examination, explained, scorer, "3")
    return Judged(ws, data, fitted, scorer, examination, explained, content)
