from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.catalog import feature_set
from features.definition import Definition
from features.feature import FeatureSet
from features.matrix import FeatureMatrix
from models.answer import past_trial
from models.scorer import Scorer
from models.stages import stages
from tests.models.conftest import matrix_of


def matrix(features: FeatureSet, **counts: float) -> FeatureMatrix:
    values = np.zeros((1, len(features)))
    for name, count in counts.items():
        values[0, features.index(f"{name}_count_all")] = count
    return matrix_of(features, values)


@pytest.mark.parametrize(
    ("counts", "probability", "stage"),
    [
        ({}, 0.9, "lead"),
        ({"marketing": 1}, 0.9, "mql"),
        ({"marketing": 1, "core_use": 1}, 0.39, "mql"),
        ({"core_use": 1}, 0.39, "lead"),
        ({"core_use": 1}, 0.4, "pql"),
        ({"marketing": 1, "session": 2}, 0.5, "pql"),
        ({"sales": 1}, 0.01, "sql"),
        ({"sales": 1, "core_use": 3, "marketing": 1}, 0.9, "sql"),
    ],
)
def test_the_rule(counts: dict[str, float], probability: float, stage: str, features: FeatureSet, scorer: Scorer) -> None:
    looked = matrix(features, **counts)
    no = np.array([False])
    assert stages(looked, np.array([probability]), scorer.reference, no) == [stage]
    assert stages(looked, np.array([probability]), scorer.reference, ~no) == ["expired"]
    assert stages(looked, np.array([probability]), scorer.reference, ~no, states=["customer"]) == ["customer"]
    assert stages(looked, np.array([probability]), scorer.reference, no, states=[None]) == [stage]


def test_a_workspace_may_set_its_own_rules(features: FeatureSet, scorer: Scorer) -> None:
    looked = matrix(features, purchase_intent=1, core_use=1)
    p, no = np.array([0.2]), np.array([False])
    assert stages(looked, p, scorer.reference, no, pql_probability=0.1) == ["pql"]
    assert stages(looked, p, scorer.reference, no, sql=("purchase_intent",), pql_probability=0.1) == ["sql"]
    assert stages(looked, p, scorer.reference, no, mql=("purchase_intent", "unmapped")) == ["mql"]


def test_without_behaviours_the_probability_decides(definition: Definition, scorer: Scorer) -> None:
    bare = feature_set(definition.model_copy(update={"behaviours": {}}))
    values = np.zeros((2, len(bare)))
    looked = matrix_of(bare, values)
    found = stages(looked, np.array([0.39, 0.41]), scorer.reference, np.zeros(2, dtype=bool))
    assert found == ["lead", "pql"]


def test_without_a_trial_nothing_expires(definition: Definition, features: FeatureSet, scorer: Scorer) -> None:
    endless = replace(scorer, definition=definition.model_copy(update={"trial_days": None}), columns=())
    assert past_trial(endless, matrix(features), np.array([900.0])).tolist() == [False]
    unknown = feature_set(definition.model_copy(update={"exclude": ("trial_left_d",)}))
    looked = matrix_of(unknown, np.zeros((2, len(unknown))))
    assert past_trial(scorer, looked, np.array([13.0, 14.0])).tolist() == [False, True]
