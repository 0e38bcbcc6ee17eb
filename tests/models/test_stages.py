from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from features.catalog import feature_set
from features.definition import Definition
from features.feature import FeatureSet
from features.matrix import FeatureMatrix
from models.answer import past_trial
from models.scorer import Scorer
from models.stages import StageRules, rule_of, stages, would_stay
from models.thresholds import Threshold
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
    low = Threshold(0.1, 0.1, "stages.pql_probability")
    assert stages(looked, p, scorer.reference, no, rules=StageRules(threshold=low)) == ["pql"]
    assert stages(looked, p, scorer.reference, no, rules=StageRules(sql=("purchase_intent",), threshold=low)) == ["sql"]
    assert stages(looked, p, scorer.reference, no, rules=StageRules(mql=("purchase_intent", "unmapped"))) == ["mql"]


BAND = StageRules(threshold=Threshold(0.5, 0.4, "stages.pql_probability"))


@pytest.mark.parametrize(
    ("probability", "before", "stage"),
    [(0.5, None, "pql"), (0.45, None, "lead"), (0.45, "lead", "lead"), (0.45, "pql", "pql"), (0.4, "pql", "pql"),
     (0.399, "pql", "lead"), (0.45, "sql", "lead"), (0.5, "lead", "pql")],
)  # fmt: skip
def test_who_is_qualified_stays_so_until_the_lower_threshold(
    probability: float, before: str | None, stage: str, features: FeatureSet, scorer: Scorer
) -> None:
    looked, p = matrix(features, core_use=1), np.array([probability])
    assert stages(looked, p, scorer.reference, np.array([False]), before=[before], rules=BAND) == [stage]


def test_a_probability_that_wavers_does_not_make_a_stage_waver(features: FeatureSet, scorer: Scorer) -> None:
    looked, last, seen = matrix(features, core_use=1), None, []
    for probability in (0.3, 0.49, 0.51, 0.49, 0.51, 0.41, 0.5, 0.39, 0.45, 0.49):
        (last,) = stages(looked, np.array([probability]), scorer.reference, np.array([False]), before=[last], rules=BAND)
        seen.append(last)
    assert seen == ["lead"] * 2 + ["pql"] * 5 + ["lead"] * 3


def test_where_only_the_past_would_decide_that_is_told(features: FeatureSet, scorer: Scorer) -> None:
    looked = matrix(features, core_use=1)
    for probability, stage, unsure in ((0.45, "lead", True), (0.45, "mql", True), (0.45, "sql", False), (0.39, "lead", False)):
        assert would_stay(looked, np.array([probability]), scorer.reference, [stage], BAND).tolist() == [unsure]
    idle = matrix(features, marketing=1)
    assert would_stay(idle, np.array([0.45]), scorer.reference, ["mql"], BAND).tolist() == [False]


def test_the_rule_names_what_it_looked_at(features: FeatureSet, scorer: Scorer) -> None:
    looked = matrix(features, core_use=3, session=2, marketing=4)

    def rule(stage: str, before: str | None, probability: float | None) -> dict[str, Any]:
        return rule_of(stage, before, looked, 0, probability, BAND, scorer.reference)

    known = {"by": "probability", "from": "stages.pql_probability"}
    pql = rule("pql", "lead", 0.6)
    assert pql == {**known, "probability": 0.6, "at_least": 0.5, "kept_from": 0.4, "used": {"session": 2, "core_use": 3}}
    left = {**known, "stage": "pql", "probability": 0.3, "below": 0.4}
    assert rule("lead", "pql", 0.3) == {"by": "none", "left": left}
    assert rule("mql", "pql", 0.3) == {"by": "behaviours", "any_of": ["marketing"], "counts": {"marketing": 4}, "left": left}
    assert rule("sql", "pql", 0.3) == {"by": "behaviours", "any_of": ["sales"], "counts": {}}
    assert rule("customer", "pql", None) == {"by": "conversion"}
    assert [rule("expired", "pql", one)["by"] for one in (0.3, None)] == ["trial", "end"]


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
