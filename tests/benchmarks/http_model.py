"""One model for two servers: 300 trees of 31 leaves over 60 features, in our form and as an MLflow pyfunc."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.catalog import feature_set
from features.feature import FeatureSet
from features.workspace import Workspace, load_workspace
from models import artifact, registry
from models.calibration_fit import fit_calibrator
from models.columns import ColumnSpec, columns_of
from models.learners import Boosting
from models.phrasing import typical_kinds
from models.pyfunc import input_columns, input_example
from models.reference import Reference, score_quantiles, typical_values
from models.scorer import Meta, Scorer

NAME = "bench"
ROWS, TREES, LEAVES, COLUMNS = 20_000, 300, 31, 60
AGES = (1.0, 3.0, 7.0)
CATEGORIES = ("country", "device", "industry", "language", "role", "source")
WORKSPACE = f"""
name: {NAME}
data:
  leads: {{source: leads.csv, id: lead_id, started_at: signed_up_at}}
  events: {{source: events.csv, lead: lead_id, name: event, at: at, id: message_id}}
  conversions: {{source: conversions.csv, lead: lead_id, at: paid_at}}
behaviours:
  session: {{events: [login]}}
  core_use: {{events: ["feature.*"]}}
  purchase_intent: {{events: [upgrade, pricing]}}
  collaboration: {{events: [invited, commented]}}
  marketing: {{events: ["campaign.*"]}}
  sales: {{events: [demo]}}
  support: {{events: [ticket]}}
attributes: {{{", ".join(f"{name}: category" for name in CATEGORIES)}, company_size: number}}
"""

Floats = NDArray[np.float64]


def make(folder: Path) -> None:
    """Fit the model and leave in a folder: the workspace, our champion, the rival's model, and vectors to post."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "bench.yaml"
    path.write_text(WORKSPACE, encoding="utf-8")
    os.environ["TRIALWISE_HOME"] = str(folder)
    workspace = load_workspace(path)
    scorer, booster, x = fit(workspace)
    vectors = [_vector(scorer, row) for row in x[:256]]
    (folder / "vectors.json").write_text(json.dumps(vectors), encoding="utf-8")
    digest = artifact.save(scorer, folder / "scorer")
    record = registry.TrainingRecord()
    example, inputs = input_example(scorer), input_columns(scorer)
    ref = registry.register(NAME, folder / "scorer", digest=digest, inputs=inputs, example=example, record=record)
    registry.promote(ref, reason="the benchmark's")
    _save_rival(folder, scorer, booster, inputs)


def fit(workspace: Workspace) -> tuple[Scorer, Any, Floats]:
    """Fit the model on invented rows; return it, LightGBM's own of the same trees, and the rows."""
    known = {name: tuple(f"{name} {i}" for i in range(8)) for name in CATEGORIES}
    definition = workspace.definition(vocabulary={"core_use": ("feature_a", "feature_b")}, categories=known)
    features = feature_set(definition)
    values = invent(features)
    columns = _sixty(columns_of(features, values))
    x = np.ascontiguousarray(values[:, [features.index(column.name) for column in columns]])
    draw = np.random.default_rng(1)
    score = np.nan_to_num(x) @ draw.normal(0, 1, x.shape[1]) * 0.15 + np.sin(np.nan_to_num(x[:, :10])).sum(axis=1)
    y = (draw.random(len(x)) < 1 / (1 + np.exp(-0.4 * (score - np.quantile(score, 0.8))))).astype(np.float64)
    w = np.ones(len(y))
    boosting = Boosting(x, y, w, columns, params={"num_leaves": LEAVES, "learning_rate": 0.05, "min_data_in_leaf": 20})
    learner = boosting.more(TREES)
    raw = learner.raw(x)
    calibrator = fit_calibrator("platt", raw, y, w)
    ages = values[:, features.index("trial_age_d")]
    reference = Reference(
        ages=AGES,
        quantiles=score_quantiles(calibrator.probability(raw), ages, AGES),
        oldest_age_days=7.0,
        pql_threshold=0.4,
        typical=typical_values(x, ages, columns, typical_kinds(features.features), AGES),
        volumes={},
        verdict="publish",
    )
    scorer = Scorer(definition, columns, learner, calibrator, reference, Meta(NAME, 30.0, {}))
    return scorer, boosting._booster, x


def invent(features: FeatureSet) -> Floats:
    """Invent a matrix of the catalogue: counts, some of them missing, and categories."""
    draw = np.random.default_rng(0)
    values = draw.poisson(2.5, size=(ROWS, len(features))) * draw.random((ROWS, len(features)))
    for place, feature in enumerate(features.features):
        if feature.kind == "category":
            values[:, place] = draw.integers(1, 9, ROWS)
        elif feature.name.endswith(("_7d", "_all", "_3d", "_1d")):
            values[:, place] = np.round(values[:, place])
        if feature.missing != "never":
            values[draw.random(ROWS) < 0.2, place] = np.nan
    values[:, features.index("trial_age_d")] = draw.choice(AGES, ROWS)
    return np.clip(values, [one.lower for one in features.features], [one.upper for one in features.features])


def _sixty(columns: tuple[ColumnSpec, ...]) -> tuple[ColumnSpec, ...]:
    """Leave columns out, numbers from the middle, until sixty are left."""
    spare = [column.name for column in columns if column.kind == "number" and column.name != "trial_age_d"]
    out = set(spare[10 : 10 + len(columns) - COLUMNS])
    return tuple(column for column in columns if column.name not in out)


def _vector(scorer: Scorer, row: Floats) -> dict[str, Any]:
    """Return a row as a caller would post it."""
    vector: dict[str, Any] = {}
    for column, value in zip(scorer.columns, row.tolist(), strict=True):
        if column.kind == "category":
            vector[column.name] = (
                None if value != value or value < 1 else scorer.definition.categories[column.name][int(value) - 1]
            )
        else:
            vector[column.name] = None if value != value else value
    return vector


def _save_rival(folder: Path, scorer: Scorer, booster: Any, inputs: dict[str, str]) -> None:
    """Save the same trees as a pyfunc that answers with reasons by LightGBM's own contributions."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    booster.save_model(str(folder / "booster.txt"))
    facts = {
        "columns": [column.name for column in scorer.columns],
        "categories": {name: list(scorer.definition.categories[name]) for name in CATEGORIES},
        "slope": scorer.calibrator.slopes[0],
        "intercept": scorer.calibrator.intercept,
        "expected": scorer.learner.expected,
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    names = {column.name for column in scorer.columns}
    schema = [ColSpec(kind, name, required=False) for name, kind in inputs.items() if name in names]
    mlflow.pyfunc.save_model(
        folder / "rival",
        python_model=str(Path(__file__).with_name("http_rival.py")),
        artifacts={"booster": str(folder / "booster.txt"), "facts": str(folder / "facts.json")},
        signature=ModelSignature(Schema(schema)),
        pip_requirements=["lightgbm"],
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]))
