"""Score records: the shape that everything outside relies on, and what they say."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from features.clock import DAY_US
from features.feature import FeatureSet
from features.matrix import FeatureMatrix
from models.answer import Asked, score_records, states_of
from models.phrasing import Phrasing
from models.reference import Typical
from models.scorer import Scorer
from tests.models.conftest import KINDS, invent, matrix_of

Floats = NDArray[np.float64]

AS_OF = 1_778_144_400_000_000
SHAPE = {
    "lead_id", "as_of", "probability", "horizon_days", "by", "grade", "percentile", "percentile_live", "stage",
    "base", "reasons", "rest", "model", "features_as_of", "warnings",
}  # fmt: skip
REASON = {"player", "feature", "value", "points", "log_odds", "text", "typical"}


@pytest.fixture(scope="module")
def matrix(features: FeatureSet) -> FeatureMatrix:
    values = invent(features, 40, 11)
    values[3, features.index("country")] = np.nan
    return matrix_of(features, values, AS_OF)


def records(scorer: Scorer, matrix: FeatureMatrix, **asked: Any) -> list[dict[str, Any]]:
    states = asked.pop("states", None)
    started = np.full(len(matrix), AS_OF - 3 * DAY_US)
    ids = [f"lead {i}" for i in range(len(matrix))]
    found = score_records(scorer, matrix, ids, Asked(**asked), started_at=started, states=states)
    read: list[dict[str, Any]] = json.loads(json.dumps(found, allow_nan=False))
    return read


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reasons", [0, 1, 3, None])
def test_base_reasons_and_rest_give_the_probability(
    kind: str, reasons: int | None, scorers: dict[str, Scorer], matrix: FeatureMatrix
) -> None:
    scorer = scorers[kind]
    wanted = scorer.probability(scorer.select(matrix.features.names, matrix.values))
    for row, record in enumerate(records(scorer, matrix, reasons=reasons)):
        assert record["probability"] == wanted[row]
        points = sum(reason["points"] for reason in record["reasons"])
        log_odds = sum(reason["log_odds"] for reason in record["reasons"])
        p, base = record["probability"], record["base"]
        assert abs(base + points + record["rest"]["points"] - p) < 1e-9
        assert abs(math.log(base / (1 - base)) + log_odds + record["rest"]["log_odds"] - math.log(p / (1 - p))) < 1e-9
        if reasons is None:
            assert record["rest"] == {"points": 0.0, "log_odds": 0.0}
            assert {reason["player"] for reason in record["reasons"]} == set(matrix.features.players)
        else:
            assert len(record["reasons"]) <= reasons


def test_every_key_is_there_and_no_other(scorer: Scorer, matrix: FeatureMatrix) -> None:
    for record in records(scorer, matrix, reasons=3, name="acme", version="3", warnings=(("workspace_differs", "timezone"),)):
        assert set(record) == SHAPE
        assert all(set(reason) == REASON for reason in record["reasons"])
        assert record["model"] == {"name": "acme", "version": "3", "fingerprint": scorer.definition.fingerprint}
        assert record["as_of"] == "2026-05-07T09:00:00.000000Z"
        assert record["by"] == "2026-06-06"
        assert record["horizon_days"] == 30
        assert record["features_as_of"] == "2026-05-07T08:59:59.999999Z"
        assert record["warnings"][0] == {"code": "workspace_differs", "detail": "timezone"}
        assert record["grade"] in "ABCD"
        assert 0 <= record["percentile"] <= 100
        sizes = [abs(reason["log_odds"]) for reason in record["reasons"]]
        assert sizes == sorted(sizes, reverse=True)


def test_a_reason_quotes_the_feature_that_pulls_the_players_way(scorer: Scorer, matrix: FeatureMatrix) -> None:
    x = scorer.select(matrix.features.names, matrix.values)
    shares = scorer.explain(x).shares
    for row, record in enumerate(records(scorer, matrix, reasons=3)):
        for reason in record["reasons"]:
            own = [j for j, column in enumerate(scorer.columns) if column.player == reason["player"]]
            sign = math.copysign(1.0, reason["points"])
            best = max(sign * shares[row, j] for j in own)
            assert sign * shares[row, scorer.names.index(reason["feature"])] == best
            shown = matrix.row(row)[reason["feature"]]
            assert reason["value"] == shown
            assert "_" not in reason["text"]


def test_a_player_that_the_model_does_not_use_has_nothing(scorers: dict[str, Scorer], matrix: FeatureMatrix) -> None:
    scorer = scorers["base_rate"]
    bare = replace(scorer, columns=())
    for record in records(bare, matrix, reasons=None):
        assert {reason["points"] for reason in record["reasons"]} == {0.0}
        assert record["probability"] == pytest.approx(0.3)
    assert records(scorer, matrix, reasons=3)[0]["reasons"] == []


def test_a_category_is_told_by_its_name(scorer: Scorer, matrix: FeatureMatrix) -> None:
    found = records(scorer, matrix, reasons=None, phrasing=Phrasing("en", {"country": "the country"}))
    reasons = [next(reason for reason in record["reasons"] if reason["player"] == "country") for record in found]
    assert [reason["value"] for reason in reasons] == matrix.labels["country"].tolist()
    assert reasons[3]["text"] == "The country is not known"
    assert reasons[3]["typical"] is None
    known = next(reason for reason in reasons if reason["value"] == "DE")
    assert known["text"] == "The country is DE"
    assert known["typical"].endswith("of leads have this value")


def test_customers_and_ended_leads_have_a_stage_and_no_probability(scorer: Scorer, matrix: FeatureMatrix) -> None:
    paid = np.arange(len(matrix)) == 0
    over = np.arange(len(matrix)) <= 1
    found = records(scorer, matrix, reasons=3, states=states_of(paid, over))
    assert [record["stage"] for record in found[:2]] == ["customer", "expired"]
    for record in found[:2]:
        assert record["probability"] is record["grade"] is record["percentile"] is None
        assert record["reasons"] == record["warnings"] == []
        assert record["rest"] == {"points": 0.0, "log_odds": 0.0}
        assert set(record) == SHAPE
    assert found[2]["probability"] is not None


def test_an_undated_table_has_no_times(scorer: Scorer, matrix: FeatureMatrix) -> None:
    found: list[dict[str, Any]] = list(score_records(scorer, matrix, ["a"] * len(matrix), Asked(reasons=1)))
    assert found[0]["as_of"] is found[0]["by"] is found[0]["features_as_of"] is None
    assert found[0]["grade"] in "ABCD"


def test_the_day_is_that_of_the_workspaces_zone(scorer: Scorer, matrix: FeatureMatrix) -> None:
    zoned = replace(scorer, definition=scorer.definition.model_copy(update={"timezone": "Pacific/Auckland"}))
    late = replace(matrix, as_of=matrix.as_of + 6 * 3_600_000_000)
    assert records(zoned, late)[0]["by"] == "2026-06-07"
    assert records(scorer, late)[0]["by"] == "2026-06-06"


def test_one_lead_has_the_record_that_it_has_among_many(scorer: Scorer, matrix: FeatureMatrix) -> None:
    many = records(scorer, matrix, reasons=None)
    row = 7
    alone = FeatureMatrix(
        matrix.features,
        matrix.values[row : row + 1],
        {"country": matrix.labels["country"][row : row + 1]},
        matrix.lead_index[:1],
        matrix.as_of[:1],
        matrix.features_as_of[:1],
    )
    assert records(scorer, alone, reasons=None)[0] == {**many[row], "lead_id": "lead 0"}


def test_what_nobody_has_is_not_typical(scorer: Scorer, matrix: FeatureMatrix) -> None:
    nothing = {name: Typical("median", ((),) * 3) for name in scorer.names[:-1]}
    found = records(replace(scorer, reference=replace(scorer.reference, typical=nothing)), matrix, reasons=None)
    assert {reason["typical"] for record in found for reason in record["reasons"]} == {None}


def test_the_age_of_a_trial_and_what_is_missing_are_not_compared(scorer: Scorer, matrix: FeatureMatrix) -> None:
    told = [reason for record in records(scorer, matrix, reasons=None) for reason in record["reasons"]]
    assert {reason["typical"] for reason in told if reason["player"] == "trial_age"} == {None}
    missing = [reason for reason in told if reason["value"] is None]
    never = [one["typical"] for one in missing if one["feature"].endswith(("recency_h", "time_to_first_h"))]
    assert never
    assert all(text.endswith("trials of this age have") for text in never)
    assert {one["typical"] for one in missing if not one["feature"].endswith(("recency_h", "time_to_first_h"))} <= {None}
    assert any(reason["typical"] for reason in told)
