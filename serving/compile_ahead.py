"""Compile ahead what answering a request runs, so that a container's first answer is as quick as its second.

``python -m serving.compile_ahead`` fills Numba's cache: the folder NUMBA_CACHE_DIR, else beside the sources. It looks at one
invented lead with every kind of feature and lets every kind of learner and of calibration explain it. Training needs more and
compiles that when it first runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.catalog import feature_set
from features.clock import DAY_US
from features.feature import FeatureSet
from features.history import EventRow, Plan
from features.mates import LiveAccount, LiveMate
from features.matrix import LiveLead, compute_one
from features.workspace import parse_workspace
from models.blend import read_learner
from models.calibration import METHODS, Calibrator
from models.columns import ColumnSpec, columns_of
from models.reference import Reference
from models.scorer import Meta, Scorer

WORKSPACE = """
name: compiled
data:
  leads: {source: leads.csv, id: lead, started_at: at, account: account}
  events: {source: events.csv, lead: lead, name: event, at: at, properties: [minutes]}
  conversions: {source: conversions.csv, lead: lead, at: at}
behaviours:
  session: {events: [login], duration: minutes}
  core_use: {events: ["feature.*"]}
attributes: {country: category, size: number}
"""
EVENTS = [EventRow("login", DAY_US, DAY_US, 1, {"minutes": 5}), EventRow("feature.a", DAY_US * 2, DAY_US * 2, 1, {})]


def seen() -> tuple[FeatureSet, NDArray[np.float64]]:
    """Return the features of an invented lead with a colleague."""
    definition = parse_workspace(WORKSPACE, Path()).definition(
        vocabulary={"core_use": ("feature.a",)}, categories={"country": ("DE",)}
    )
    features, plan = feature_set(definition), Plan(definition)
    account = LiveAccount([LiveMate(lead_id, 0, EVENTS) for lead_id in ("lead", "mate")])
    lead = LiveLead("lead", 0, [], {"country": ("DE", 0), "size": (3, 0)}, EVENTS, account)
    return features, compute_one(features, plan, lead, 3 * DAY_US).values


def learners(columns: tuple[ColumnSpec, ...]) -> dict[str, object]:
    """Return a learner of each kind that runs compiled code, as a model folder holds it; a blend only adds them up."""
    terms = [
        {"kind": one.kind, "missing": 0.0, "centre": 0.0}
        | (
            {"values": [0.0] * (one.size + 1)}
            if one.kind == "category"
            else {"scale": 1.0, "mean": 0.0, "sd": 1.0, "weight": 0.1}
        )
        for one in columns
    ]
    number = next(place for place, one in enumerate(columns) if one.kind == "number")
    tree = {
        "column": [number], "threshold": [0.5], "rule": ["knows_missing"], "missing_left": [1], "left": [-1], "right": [-2],
        "codes": [[]], "value": [-0.1, 0.1], "cover": [1, 1],
    }  # fmt: skip
    return {
        "logistic": {"kind": "logistic", "intercept": 0.0, "columns": terms},
        "trees": {"kind": "trees", "trees": [tree]},
    }


def compile_all() -> list[str]:
    """Run everything once; return the kinds of learners that ran."""
    features, values = seen()
    columns = columns_of(features, np.vstack([np.nan_to_num(values), np.nan_to_num(values) + 1.0]))
    x = np.ascontiguousarray(values[:, [features.index(column.name) for column in columns]])
    reference = Reference((1.0,), ((0.0, 1.0),), 1.0, 0.5, {}, {}, "publish")
    kinds = learners(columns)
    for kind, text in kinds.items():
        learner = read_learner(text, kind, columns)
        scorer = Scorer(features.definition, columns, learner, Calibrator(), reference, Meta("compiled", 30.0))
        scorer.explain(x)
    for method in METHODS:
        Calibrator(method, slopes=(1.0, 1.0), xs=(-1.0, 1.0), zs=(-1.0, 1.0)).evaluate(np.zeros(1))
    return list(kinds)


if __name__ == "__main__":
    sys.stderr.write(f"Compiled the features and the explanations of: {', '.join(compile_all())}.\n")
