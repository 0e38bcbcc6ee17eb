"""What one training leaves in MLflow beside the model: settings, digests of the data, every figure with its interval."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

from features.clock import format_us
from features.tables import Tables
from features.workspace import Workspace
from models.registry import TrainingRecord
from models.scorer import Scorer
from training.dataset import TrainingSet
from training.evaluation import Evaluation, Figure
from training.promotion import Gate
from training.tuning import Search

_UNUSUAL = re.compile(r"[^A-Za-z0-9_. -]")
"""What MLflow does not take in the name of a parameter."""


def training_record(
    workspace: Path,
    ws: Workspace,
    data: TrainingSet,
    scorer: Scorer,
    evaluation: Evaluation | None,
    gate: Gate,
    search: Search,
    digest: str,
) -> TrainingRecord:
    """Return the record of a training."""
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
        **source_digests(data.tables),
    }
    tags = {
        "trialwise.as_of": format_us(data.window.now) if not ws.data.undated else "undated",
        "trialwise.fingerprint": scorer.definition.fingerprint,
        "trialwise.verdict": str(facts["verdict"]),
        "trialwise.gate": f"{gate.decision}: {gate.reason}"[:5000],
        "trialwise.digest": digest,
    }
    texts = {
        "workspace.yaml": workspace.read_text(encoding="utf-8"),
        "facts.json": json.dumps(facts, indent=1, ensure_ascii=False),
    }
    return TrainingRecord(params, _metrics(data, evaluation), tags, texts)


def source_digests(tables: Tables) -> dict[str, str | int | float]:
    """Return the SHA-256 of every file that was read, by table and file name."""
    found: dict[str, str | int | float] = {}
    for table, report in tables.report.items():
        for number, origin in enumerate(report.origins):
            path = getattr(origin, "path", None)
            if isinstance(path, Path):
                found[f"data.{table}.{number}.{_UNUSUAL.sub('_', path.name)}"] = _file_digest(path)
    return found


def _file_digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


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
