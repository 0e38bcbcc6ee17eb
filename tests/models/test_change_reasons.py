"""Changes as records: every key, sums that hold, and the feature that changed is the one that is quoted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from features.feature import FeatureSet
from models.change_reasons import Seen, parts_of, told
from models.changes import BASE, Looks, moved
from models.phrasing import Phrasing
from models.scorer import Scorer
from tests.models.conftest import invent, matrix_of
from tests.models.test_changes import looks, scored

KEYS = {"player", "feature", "value_before", "value", "points", "log_odds", "text_before", "text"}


def summed(part: dict[str, Any], key: str) -> float:
    return float(sum(reason[key] for reason in part["reasons"]) + part["rest"][key])


@pytest.mark.parametrize("count", [0, 2, None])
@pytest.mark.parametrize("new", ["trees", "logistic", "blend"])
def test_reasons_and_rest_make_the_part(scorers: dict[str, Scorer], features: FeatureSet, new: str, count: int | None) -> None:
    old = looks(scorers["trees"], features, 21, rows=1)
    again = old if new == "trees" else replace(old, scorer=scorers[new])
    parts: dict[str, Any] = parts_of(old, again, Phrasing("en"), count)
    assert list(parts) == ["behaviour", "time", "model"]
    before, after = scored(old.scorer, old.then), scored(again.scorer, again.now)
    for key, wanted in (("points", after[0] - before[0]), ("log_odds", after[1] - before[1])):
        assert abs(sum(part[key] for part in parts.values()) - wanted[0]) < 1e-9
        for part in parts.values():
            assert abs(summed(part, key) - part[key]) < 1e-9
    for part in parts.values():
        assert all(set(reason) == KEYS for reason in part["reasons"])
        assert count is None or len(part["reasons"]) <= count
        assert count is not None or part["rest"] == {"points": 0.0, "log_odds": 0.0}


def test_the_quoted_feature_is_one_that_changed(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    values = invent(features, 1, 4)
    more = values.copy()
    more[:, features.index("core_use_count_7d")] = values[:, features.index("core_use_count_7d")] + 4
    before, after = matrix_of(features, values), matrix_of(features, more)
    for kind in ("logistic", "trees"):
        shift = moved(scorers[kind], before, after)
        part: dict[str, Any] = told(shift, [Seen(scorers[kind], before, after)], Phrasing("en"), 1)
        (reason,) = part["reasons"]
        assert (reason["player"], reason["feature"]) == ("core_use", "core_use_count_7d")
        assert reason["value"] == reason["value_before"] + 4
        assert reason["text"] != reason["text_before"]


def test_the_bases_of_two_models_are_an_entry_without_a_feature(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    old = looks(scorers["trees"], features, 2, rows=1)
    parts: dict[str, Any] = parts_of(old, replace(old, scorer=scorers["logistic"]), Phrasing("de"), None)
    (base,) = [reason for reason in parts["model"]["reasons"] if reason["player"] == BASE]
    assert (base["feature"], base["text_before"]) == (None, None)
    assert (base["value_before"], base["value"]) == (scorers["trees"].base, scorers["logistic"].base)
    assert base["text"].startswith("Der Durchschnitt")
    assert all(reason["player"] != BASE for name in ("behaviour", "time") for reason in parts[name]["reasons"])


def test_one_model_says_so(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    one = looks(scorers["blend"], features, 2, rows=1)
    part: dict[str, Any] = parts_of(one, one, Phrasing("en"), 3)["model"]
    assert (part["points"], part["log_odds"], part["reasons"]) == (0.0, 0.0, [])
    assert part["text"] == "The same model looked at both times"


def test_a_category_is_told_by_its_name(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    values = invent(features, 1, 4)
    values[:, features.index("country")] = float("nan")
    known = values.copy()
    known[:, features.index("country")] = 2
    before, after = matrix_of(features, values), matrix_of(features, known)
    seen = Looks(scorers["logistic"], before, before, after)
    part: dict[str, Any] = parts_of(seen, seen, Phrasing("en"), 1)["behaviour"]
    assert [(one["value_before"], one["value"]) for one in part["reasons"]] == [(None, "TR")]
