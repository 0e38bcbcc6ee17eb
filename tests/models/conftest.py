"""Small models over a small workspace, fitted once: three learners, and a scorer for each."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from features.catalog import feature_set
from features.definition import Definition
from features.feature import FeatureSet
from features.matrix import FeatureMatrix
from features.workspace import parse_workspace
from models.blend import BaseRate, Blend
from models.calibration_fit import fit_calibrator
from models.columns import ColumnSpec, columns_of
from models.learners import Learner, fit_logistic, fit_towards, fit_trees, fit_varying
from models.phrasing import typical_kinds
from models.reference import Reference, score_quantiles, typical_values
from models.scorecard import Rule, Scorecard
from models.scorecard_fit import fit_scorecard
from models.scorer import Meta, Scorer

WORKSPACE = """
name: acme
data:
  leads: {source: leads.csv, id: lead_id, started_at: at}
  events: {source: events.csv, lead: lead_id, name: event, at: at}
  conversions: {source: conversions.csv, lead: lead_id, at: at}
behaviours:
  session: {events: [login]}
  core_use: {events: ["feature.*"]}
  purchase_intent: {events: [upgrade]}
  marketing: {events: ["campaign.*"]}
  sales: {events: [demo]}
attributes: {country: category, company_size: number}
"""
AGES = (1.0, 3.0, 7.0)
TREES = {"num_leaves": 12, "learning_rate": 0.1, "min_data_in_leaf": 5}
KINDS = ("base_rate", "scorecard", "logistic", "varying", "towards_scorecard", "trees", "blend")

Floats = NDArray[np.float64]


@pytest.fixture(scope="session")
def definition() -> Definition:
    workspace = parse_workspace(WORKSPACE, Path())
    return workspace.definition(
        vocabulary={"core_use": ("feature_a", "feature_b")}, categories={"country": ("DE", "TR", "US")}, bounds={}
    )


@pytest.fixture(scope="session")
def features(definition: Definition) -> FeatureSet:
    return feature_set(definition)


def invent(features: FeatureSet, rows: int, seed: int) -> Floats:
    """Invent a matrix of the catalogue: counts, some missing, one category."""
    draw = np.random.default_rng(seed)
    values = draw.poisson(1.5, size=(rows, len(features))).astype(np.float64)
    values[:, ::3] *= draw.random((rows, values[:, ::3].shape[1]))
    for place, feature in enumerate(features.features):
        if feature.kind == "category":
            values[:, place] = draw.integers(0, 4, rows)
        if feature.missing != "never":
            values[draw.random(rows) < 0.2, place] = np.nan
    values[:, features.index("trial_age_d")] = draw.choice(AGES, rows)
    values[:, features.index("trial_left_d")] = 14 - values[:, features.index("trial_age_d")]
    return np.clip(values, [feature.lower for feature in features.features], [feature.upper for feature in features.features])


@pytest.fixture(scope="session")
def data(features: FeatureSet) -> tuple[Floats, Floats, Floats]:
    """Rows of the whole catalogue, outcomes that depend on three columns, weights."""
    values = invent(features, 800, 1)
    score = 0.8 * values[:, features.index("core_use_count_7d")] + (values[:, features.index("country")] == 2) - 2.5
    score += 0.5 * np.nan_to_num(values[:, features.index("purchase_intent_recency_h")])
    draw = np.random.default_rng(2)
    outcome = (draw.random(len(values)) < 1 / (1 + np.exp(-score))).astype(np.float64)
    return values, outcome, draw.choice([0.25, 0.5, 1.0], len(values))


@pytest.fixture(scope="session")
def columns(features: FeatureSet, data: tuple[Floats, Floats, Floats]) -> tuple[ColumnSpec, ...]:
    return columns_of(features, data[0])


@pytest.fixture(scope="session")
def x(features: FeatureSet, columns: tuple[ColumnSpec, ...], data: tuple[Floats, Floats, Floats]) -> Floats:
    return np.ascontiguousarray(data[0][:, [features.index(column.name) for column in columns]])


@pytest.fixture(scope="session")
def learners(x: Floats, columns: tuple[ColumnSpec, ...], data: tuple[Floats, Floats, Floats]) -> dict[str, Learner]:
    _, y, w = data
    logistic = fit_logistic(x, y, w, columns, c=0.1)
    trees = fit_trees(x, y, w, columns, params=TREES, rounds=15, seed=3)
    return {
        "base_rate": BaseRate(math.log(0.3 / 0.7)),
        "scorecard": fit_scorecard(Scorecard(0.0, (Rule(0, 0.5, low=1.0), Rule(3, -0.2, high=2.0))), x, y, w),
        "towards_scorecard": fit_towards(Scorecard(-1.0, (Rule(0, 0.5, low=1.0),)), x, y, w, columns, c=0.1),
        "logistic": logistic,
        "varying": fit_varying(x, y, w, columns, c=0.1),
        "trees": trees,
        "blend": Blend((logistic, trees), (0.5, 0.5)),
    }


@pytest.fixture(scope="session")
def scorers(
    definition: Definition,
    features: FeatureSet,
    columns: tuple[ColumnSpec, ...],
    x: Floats,
    data: tuple[Floats, Floats, Floats],
    learners: dict[str, Learner],
) -> dict[str, Scorer]:
    _, y, w = data
    ages = data[0][:, features.index("trial_age_d")]
    made = {}
    for kind, learner in learners.items():
        raw = learner.raw(x)
        calibrator = fit_calibrator({"logistic": "platt", "trees": "isotonic", "blend": "beta"}.get(kind, "identity"), raw, y, w)
        reference = Reference(
            ages=AGES,
            quantiles=score_quantiles(calibrator.probability(raw), ages, AGES),
            oldest_age_days=7.0,
            pql_threshold=0.4,
            typical=typical_values(x, ages, columns, typical_kinds(features.features), AGES),
            volumes={"session": 1.5},
            verdict="publish",
        )
        made[kind] = Scorer(definition, columns, learner, calibrator, reference, Meta("acme", 30.0, {"rows": len(x)}))
    return made


@pytest.fixture(scope="session")
def scorer(scorers: dict[str, Scorer]) -> Scorer:
    return scorers["blend"]


def matrix_of(features: FeatureSet, values: Floats, as_of: int = 1_778_144_400_000_000) -> FeatureMatrix:
    """Wrap invented values as if they had been computed."""
    countries = [None, "XX", *features.definition.categories["country"]]
    codes = values[:, features.index("country")]
    labels = np.array([countries[0] if np.isnan(code) else countries[int(code) + 1] for code in codes], dtype=object)
    moments = np.full(len(values), as_of, dtype=np.int64)
    return FeatureMatrix(features, values, {"country": labels}, np.arange(len(values)), moments, moments - 1)
