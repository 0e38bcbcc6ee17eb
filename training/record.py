"""What one training leaves in MLflow beside the model: settings, digests of the data, every figure with its interval."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from features.clock import format_us
from features.tables import Tables
from features.workspace import Workspace
from models.registry import AGAINST_TAG, DatasetRecord, TrainingRecord, TrialRecord
from models.scorer import Scorer
from training.data_digests import digest_params, rows_dataset, source_datasets
from training.dataset import TrainingSet
from training.evaluation import Evaluation, Figure
from training.promotion import Gate
from training.report.card import escaped
from training.tuning import Search, Tried


class Sources(NamedTuple):
    """What a training read, told before it takes its time: files may be replaced while it runs."""

    workspace: str
    """The text of the workspace file."""
    datasets: tuple[DatasetRecord, ...]

    @classmethod
    def of(cls, workspace: Path, tables: Tables) -> Sources:
        """Read the workspace file and the bytes of every file that the tables come from."""
        return cls(workspace.read_text(encoding="utf-8"), source_datasets(tables))


def training_record(
    sources: Sources,
    ws: Workspace,
    data: TrainingSet,
    scorer: Scorer,
    evaluation: Evaluation | None,
    gate: Gate,
    search: Search,
    *,
    against: str = "",
    trials: Sequence[Tried] = (),
    texts: Mapping[str, str] | None = None,
) -> TrainingRecord:
    """Return the record of a training.

    ``against`` is the champion that the gate had in view; ``texts`` are files to keep, such as the report, by name.
    """
    datasets = (*sources.datasets, rows_dataset(data.learners))
    facts = scorer.meta.facts
    recipe = facts["recipe"]
    chosen = {f"recipe.{key}": value for key, value in recipe.items()} if isinstance(recipe, dict) else {}
    params: dict[str, str | int | float] = {
        "seed": search.seed,
        "trials": search.trials,
        "horizon_days": ws.label.horizon_days,
        "gap_hours": ws.label.gap_hours,
        "ages_days": ", ".join(f"{age:g}" for age in data.ages_days),
        "rows": len(data.learners.rows),
        "leads": data.leads,
        "conversions": data.conversions,
        "columns": len(data.columns),
        "time_forward": str(data.folds.time_forward),
        **chosen,
        **{f"dropped.{reason}": count for reason, count in data.dropped.items()},
        **digest_params(datasets),
    }
    tags = {
        "trialwise.as_of": format_us(data.window.now) if not ws.data.undated else "undated",
        "trialwise.fingerprint": scorer.definition.fingerprint,
        "trialwise.verdict": str(facts["verdict"]),
        "trialwise.gate": f"{gate.decision}: {gate.reason}"[:5000],
        AGAINST_TAG: against,
        **gate.tags(),
    }
    files = {
        "workspace.yaml": sources.workspace,
        "facts.json": json.dumps(facts, indent=1, ensure_ascii=False),
        **(texts or {}),
    }
    return TrainingRecord(
        params=params,
        metrics=_metrics(data, evaluation),
        tags=tags,
        texts=files,
        trials=tuple(_trial(one) for one in trials),
        datasets=datasets,
        description=_description(scorer, data, gate),
    )


def _trial(tried: Tried) -> TrialRecord:
    """Return a trial of the search as a child run: its settings, and the log-loss it was judged by."""
    params = {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in tried.params.items()}
    return TrialRecord(f"trial {tried.number}", {**params, "rounds": tried.rounds}, {"log_loss": tried.loss})


def _description(scorer: Scorer, data: TrainingSet, gate: Gate) -> str:
    """Return what the registry's page shows of a version, in Markdown."""
    facts = scorer.meta.facts
    known = f", known up to {facts['as_of']}" if facts["as_of"] else ""
    learnt = (
        f"Learnt from {data.leads:,} leads, {data.conversions:,} of which paid within {scorer.meta.horizon_days:g} days{known}."
    )
    # The reason may name a slice, which is a value out of the data.
    return f"**{escaped(str(facts['verdict']))}**\n\n{learnt}\n\nGate: {gate.decision}; {escaped(gate.reason)}."


def _metrics(data: TrainingSet, evaluation: Evaluation | None) -> dict[str, float]:
    if evaluation is None:
        return {}
    found = _flat("", evaluation.macro) | _flat("pooled/", evaluation.pooled)
    for look, figures in evaluation.by_look.items():
        found |= _flat(f"age_{data.ages_days[look]:g}/", figures)
    return found


def _flat(prefix: str, figures: dict[str, Figure]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, figure in figures.items():
        found |= {f"{prefix}{name}": figure.value, f"{prefix}{name}_low": figure.low, f"{prefix}{name}_high": figure.high}
    return found
