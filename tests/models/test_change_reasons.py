"""Changes as records: every key, sums that hold, and the feature that changed is the one that is quoted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from features.feature import FeatureSet
from models.change_reasons import Seen, change_record, told
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
    whole: dict[str, Any] = change_record(old, again, Phrasing("en"), count)
    parts = whole["parts"]
    assert list(parts) == ["behaviour", "time", "model"]
    before, after = scored(old.scorer, old.then), scored(again.scorer, again.now)
    for key, wanted in (("points", after[0] - before[0]), ("log_odds", after[1] - before[1])):
        assert abs(sum(part[key] for part in parts.values()) - wanted[0]) < 1e-9
        assert abs(summed(whole, key) - wanted[0]) < 1e-9
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
    parts: Any = change_record(old, replace(old, scorer=scorers["logistic"]), Phrasing("de"), None)["parts"]
    (base,) = [reason for reason in parts["model"]["reasons"] if reason["player"] == BASE]
    assert (base["feature"], base["text_before"]) == (None, None)
    assert (base["value_before"], base["value"]) == (scorers["trees"].base, scorers["logistic"].base)
    assert base["text"].startswith("Der Durchschnitt")
    assert all(reason["player"] != BASE for name in ("behaviour", "time") for reason in parts[name]["reasons"])


def test_one_model_says_so(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    one = looks(scorers["blend"], features, 2, rows=1)
    part: Any = change_record(one, one, Phrasing("en"), 3)["parts"]["model"]
    assert (part["points"], part["log_odds"], part["reasons"]) == (0.0, 0.0, [])
    assert part["text"] == "The same model was used both times"


def test_each_player_of_the_whole_is_the_sum_of_its_parts(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    old = looks(scorers["trees"], features, 2, rows=1)
    new = replace(old, scorer=scorers["blend"])
    whole: Any = change_record(old, new, Phrasing("en"), None)
    assert [one["player"] for one in whole["reasons"]].count(BASE) == 1
    for reason in whole["reasons"]:
        own = [one for part in whole["parts"].values() for one in part["reasons"] if one["player"] == reason["player"]]
        assert abs(sum(one["points"] for one in own) - reason["points"]) < 1e-12
        if reason["feature"] is not None:
            then, now = old.then.row(0)[reason["feature"]], new.now.row(0)[reason["feature"]]
            assert (reason["value_before"], reason["value"]) == (then, now)


def test_a_category_is_told_by_its_name(scorers: dict[str, Scorer], features: FeatureSet) -> None:
    values = invent(features, 1, 4)
    values[:, features.index("country")] = float("nan")
    known = values.copy()
    known[:, features.index("country")] = 2
    before, after = matrix_of(features, values), matrix_of(features, known)
    seen = Looks(scorers["logistic"], before, before, after)
    part: Any = change_record(seen, seen, Phrasing("en"), 1)["parts"]["behaviour"]
    assert [(one["value_before"], one["value"]) for one in part["reasons"]] == [(None, "TR")]
