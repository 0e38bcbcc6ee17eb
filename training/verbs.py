"""The work of ``trialwise train``: read, learn, judge, save, register, decide."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, NEVER, format_us
from features.errors import InputError, StoppedError
from features.inspecting.silence import stopped_behaviours
from features.reading.as_of_now import read_as_of_now
from features.reading.inactivity import close_inactive
from features.tables import Tables, read_tables
from features.workspace import Workspace, load_workspace
from models import registry
from models.artifact import load, save
from models.population import needs_dates, parse_when
from models.pyfunc import input_columns, input_example
from models.scorer import Meta, Scorer
from training.audit import audit, stop_at, stop_at_silence
from training.choice import mean_promise
from training.data_digests import rows_dataset
from training.dataset import TrainingSet, Window, build
from training.evaluation import Difference, Evaluation, compare, evaluate
from training.examination import examine, explain_model, with_facts
from training.learning_curve import learning_curve
from training.metrics import Ranking
from training.promotion import decide, need_mode, unless_overtaken
from training.recipe import Fitted, fit
from training.record import Sources, training_record
from training.reference import build_reference, capacity_facts
from training.report.card import model_card
from training.report.content import gather
from training.report.page import page
from training.report.plots import plots
from training.report.verb import CARD, REPORT
from training.rivals import find_rivals
from training.tuning import Search
from training.verdict import Verdict, by_hand, judge

Say = Callable[[str], None]

_BUDGET = re.compile(r"(\d+(?:\.\d+)?)([smh]?)")
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def run_train(
    workspace: Path,
    *,
    as_of: str | None = None,
    started_from: str | None = None,
    started_before: str | None = None,
    trials: int = 20,
    budget: str | None = None,
    promote: str = "auto",
    seed: int = 0,
    say: Say,
) -> dict[str, Any]:
    """Train, register, and promote if the gate says so; return what ``train --json`` prints."""
    from threadpoolctl import threadpool_limits

    # On another number of cores BLAS would sum in another order, and the folder would be another one in its last digits.
    with threadpool_limits(limits=1):
        need_mode(promote)
        search = Search(_trials(trials), parse_budget(budget), seed)
        ws = load_workspace(workspace)
        for line in registry.complete(ws.name).lines():  # what a command that was killed had begun
            say(line)
        rivals = find_rivals(ws.name, say=say)  # asked first: a registry that fails should not cost a training
        tables, window = _read(ws, as_of, started_from, started_before, say)
        sources = Sources.of(workspace, tables)
        _stop_at_leaks(ws, tables, window, say)
        data = build(ws, tables, window, seed=seed, say=say)
        fitted = fit(data, search, say=say)
        evaluation = evaluate(fitted.rehearsed, seed=seed)
        gain = compare(fitted.rehearsed, fitted.base_rate, seed=seed) if evaluation else None
        newcomers = evaluate(fitted.rehearsed.where(new_accounts(data)), seed=seed) if evaluation else None
        if data.learnable:
            verdict = judge(evaluation, gain, learner=fitted.recipe.learner, time_forward=data.folds.time_forward)
        else:
            verdict = by_hand(data.conversions, mean_promise(fitted.out_of_time, fitted.calibrator))
        say(f"verdict: {verdict.sentence}")
        examination = examine(ws, data, fitted, new_accounts(data), seed=seed)
        scorer = assemble(ws, data, fitted, evaluation, newcomers, gain, verdict, search)
        say("explaining what the model goes by")
        explained = explain_model(ws, data, fitted, scorer, seed=seed)
        told_data = {"rows_sha256": rows_dataset(data.learners).digest}
        scorer = with_facts(scorer, _finite({**examination.facts(), **explained.facts(), **told_data}))
        for sentence in (*examination.sentences, *explained.sentences):
            say(sentence)

        gate = unless_overtaken(decide(promote, ws, data, fitted, verdict, rivals, seed=seed), ws.name, rivals)
        told = gather(ws, data, scorer, verdict, gate, evaluation, examination, explained, rivals.champion, rivals.version)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "scorer"
            digest = save(scorer, folder)
            load(folder, digest=digest)  # what cannot be read back is never registered
            report = page(told)
            texts = {REPORT: report, CARD: model_card(told), **plots(report)}
            record = training_record(
                sources, ws, data, scorer, evaluation, gate, search, against=rivals.version, trials=fitted.trials, texts=texts
            )
            record = replace(record, metrics={**record.metrics, **examination.metrics(), **explained.metrics()})
            ref = registry.register(
                ws.name, folder, digest=digest, inputs=input_columns(scorer), example=input_example(scorer), record=record
            )
        if gate.promoted:
            registry.promote(ref, reason=gate.reason, kind=gate.decision)
        say(f"version {ref.version} of {ws.name}: {gate.decision}; {gate.reason}")
        return {
            "version": ref.version,
            "promoted": gate.promoted,
            "gate": gate.as_dict(),
            "verdict": verdict.word,
            "learner": fitted.recipe.learner,
            "rows": len(data.learners.rows),
            "leads": data.leads,
            "conversions": data.conversions,
            "dropped": data.dropped,
            "metrics": _finite({name: figure.as_dict() for name, figure in evaluation.macro.items()}) if evaluation else {},
            "fingerprint": scorer.definition.fingerprint,
            "run_id": ref.run_id,
        }


def assemble(
    ws: Workspace,
    data: TrainingSet,
    fitted: Fitted,
    evaluation: Evaluation | None,
    newcomers: Evaluation | None,
    gain: Difference | None,
    verdict: Verdict,
    search: Search,
) -> Scorer:
    """Put the model together with the facts of its training: nothing in it tells when, where or by which run it was made."""
    curve = learning_curve(fitted.recipe, data, seed=search.seed)
    facts = {
        "as_of": "" if ws.data.undated else format_us(data.window.now),
        "seed": search.seed,
        "trials": search.trials,
        "gap_hours": ws.label.gap_hours,
        "recipe": fitted.recipe.as_dict(),
        "time_forward": data.folds.time_forward,
        "anchor_shift": fitted.calibrator.shift,
        "rows": len(data.learners.rows),
        "leads": data.leads,
        "conversions": data.conversions,
        "verdict": verdict.sentence,
        "figures": evaluation.as_dict(data.ages_days) if evaluation else {},
        "figures_of_new_accounts": newcomers.as_dict(data.ages_days) if newcomers else {},
        "learning_curve": curve.as_dict() if curve else {},
        "calibration_groups": Ranking(fitted.rehearsed.probability, fitted.rehearsed.outcome).groups() if data.learnable else [],
        "capacity": capacity_facts(ws, data, fitted),
        "log_loss_minus_base_rate": {"value": gain.value, "low": gain.low, "high": gain.high} if gain else {},
    }
    return Scorer(
        definition=data.definition,
        columns=data.columns,
        learner=fitted.learner,
        calibrator=fitted.calibrator,
        reference=build_reference(ws, data, fitted, verdict),
        meta=Meta(ws.name, ws.label.horizon_days, _finite(facts)),
    )


def new_accounts(data: TrainingSet) -> NDArray[np.bool_]:
    """Tell which examined rows of the last fold are of accounts that the rehearsal had learnt nothing of."""
    last = data.folds.last
    known = np.unique(data.learners.rows.cluster[last.learn])
    return ~np.isin(data.exam.rows.cluster[last.examine], known)


def parse_budget(text: str | None) -> float | None:
    """Return the seconds of a budget.

    >>> parse_budget("5m"), parse_budget("90s"), parse_budget(None)
    (300.0, 90.0, None)
    """
    if text is None:
        return None
    found = _BUDGET.fullmatch(text.strip())
    if found is None or float(found[1]) <= 0.0:
        expected = "seconds, minutes or hours: 90s, 5m, 1h"
        raise InputError("--budget is no length of time", given=repr(text), expected=expected, do="write it so")
    return float(found[1]) * _SECONDS[found[2]]


def _trials(trials: int) -> int:
    if not 0 <= trials <= 10_000:
        raise InputError("--trials is out of range", given=str(trials), expected="0 to 10000", do="choose another number")
    return trials


def _read(
    ws: Workspace, as_of: str | None, started_from: str | None, started_before: str | None, say: Say
) -> tuple[Tables, Window]:
    """Read the tables as they were known at the cut, and return them with the window of leads that train."""
    given = {"--as-of": as_of, "--started-from": started_from, "--started-before": started_before}
    if ws.data.undated:
        for option, value in given.items():
            if value is not None:
                raise needs_dates(option)
        return read_tables(ws), Window(now=0)
    cut = None if as_of is None else parse_when(as_of, "--as-of", ws)
    first = parse_when(started_from, "--started-from", ws, otherwise=-NEVER)
    last = parse_when(started_before, "--started-before", ws, otherwise=NEVER)
    tables, cut = read_as_of_now(ws, cut=cut)
    if cut is not None and not tables.newest:
        raise StoppedError(
            "nothing in the data is known by then", given=f"as of {format_us(cut)}", expected="a later time", do="choose another"
        )
    tables = close_inactive(ws, tables)
    now = tables.newest if cut is None else cut
    say(f"as of {format_us(now)}: {len(tables.leads):,} leads, {len(tables.events):,} events")
    if now - tables.newest > 3 * DAY_US:
        end = format_us(tables.newest)
        say(f"warning: the data end at {end}; what is not in them by {format_us(now)} counts as not having happened")
    return tables, Window(now, first, last)


def _stop_at_leaks(ws: Workspace, tables: Tables, window: Window, say: Say) -> None:
    """Say what the audit found in what is known by now, and stop where a person has to answer first."""
    found = audit(ws, tables, as_of=None if ws.data.undated else window.now)
    for finding in found:
        say(f"{finding.level}: {finding.column}: {finding.evidence}")
    stop_at(found)
    stop_at_silence(stopped_behaviours(ws, tables, now=window.now))


def _finite(value: Any) -> Any:
    """Replace what is not a number by null: JSON has no word for it."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
