"""The doors for scores: one shape everywhere, reasons that add up, and the same number by every way."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from features.clock import DAY_US, format_us, now_us
from features.workspace import parse_workspace
from tests.serving.client import TestClient
from tests.serving.conftest import WORKSPACE, FakeRegistry, wait_for

SHAPE = {
    "lead_id", "as_of", "probability", "horizon_days", "by", "grade", "percentile", "percentile_live", "stage",
    "base", "reasons", "rest", "model", "features_as_of", "warnings",
}  # fmt: skip
START = now_us() - 6 * DAY_US


def when(days: float) -> str:
    return format_us(START + round(days * DAY_US))


def fill(client: TestClient, lead_id: str = "a", events: int = 12) -> None:
    """Tell the server about a lead as it would have been told at the time."""
    calls: list[dict[str, Any]] = [
        {
            "type": "identify",
            "traits": {"signed_up_at": when(0), "country": "DE", "company_size": 7, "title": "x"},
            "timestamp": when(0),
        }
    ]
    for i in range(events):
        name = ("Login", "feature.export", "Feature.A", "upgrade", "unknown thing")[i % 5]
        calls.append(
            {"type": "track", "event": name, "timestamp": when(i / 4.5), "properties": {"minutes": i / 8, "plan": "pro"}}
        )
    for i, call in enumerate(calls):
        call |= {"userId": lead_id, "messageId": f"{lead_id}-{i}", "receivedAt": call["timestamp"]}
    answer = client.post("/v1/batch", json={"batch": calls})
    assert answer.json()["success"], answer.text


def posted(lead_id: str = "a", events: int = 12) -> dict[str, Any]:
    """The same lead as it is posted whole."""
    names = ("login", "feature.export", "Feature.A", "upgrade", "unknown thing")
    return {
        "lead_id": lead_id,
        "started_at": when(0),
        "attributes": {"country": "DE", "company_size": 7, "title": "x"},
        "events": [
            {"event": names[i % 5], "timestamp": when(i / 4.5), "properties": {"minutes": i / 8, "plan": "pro"}}
            for i in range(events)
        ],
    }


def adds_up(score: dict[str, Any]) -> bool:
    points = score["base"] + sum(one["points"] for one in score["reasons"]) + score["rest"]["points"]
    odds = (
        math.log(score["base"] / (1 - score["base"]))
        + sum(one["log_odds"] for one in score["reasons"])
        + score["rest"]["log_odds"]
    )
    p = score["probability"]
    return abs(points - p) < 1e-9 and abs(odds - math.log(p / (1 - p))) < 1e-9


@pytest.mark.parametrize("reasons", ["0", "1", "3", "all"])
def test_reasons_and_rest_give_the_probability(client: TestClient, reasons: str) -> None:
    fill(client)
    score = client.get("/v1/leads/a/score", params={"reasons": reasons}).json()
    assert set(score) == SHAPE
    assert adds_up(score)
    assert score["model"]["version"] == "1"
    if reasons == "all":
        assert score["rest"] == {"points": 0, "log_odds": 0}
    else:
        assert len(score["reasons"]) == int(reasons)


def test_every_way_gives_the_same_number(client: TestClient) -> None:
    fill(client)
    for days in (0, 1, 2.5, 4):
        one = client.get("/v1/leads/a/score", params={"as_of": when(days), "reasons": "all"}).json()
        many = client.post("/v1/leads/scores", json={"lead_ids": ["a"], "as_of": when(days), "reasons": "all"}).json()
        free = client.post("/v1/score", json={"leads": [posted()], "as_of": when(days), "reasons": "all"}).json()
        vector = client.get("/v1/leads/a/features", params={"as_of": when(days)}).json()["features"]
        whole = {"lead_id": "a", "started_at": when(0), "features": vector}
        given = client.post("/v1/score", json={"leads": [whole], "as_of": when(days), "reasons": "all"}).json()
        assert (many["errors"], free["errors"], given["errors"]) == ([], [], [])
        assert many["scores"] == [one]
        assert free["scores"] == [one]
        assert given["scores"][0] | {"features_as_of": one["features_as_of"]} == one


def test_the_past_is_answered_as_it_would_have_been(client: TestClient) -> None:
    fill(client)
    past = {"as_of": when(2)}
    before = client.get("/v1/leads/a/score", params=past).json()
    client.post("/v1/track", json={"userId": "a", "event": "Feature.A", "timestamp": when(1), "messageId": "late"})
    client.post("/v1/identify", json={"userId": "a", "traits": {"country": "TR"}, "messageId": "later"})
    client.post("/v1/conversions", json={"conversions": [{"lead_id": "a", "at": when(1)}]})
    assert client.get("/v1/leads/a/score", params=past).json() == before
    now = client.get("/v1/leads/a/score").json()
    assert (now["stage"], now["probability"]) == ("customer", None)


def test_states_of_a_lead(client: TestClient) -> None:
    fill(client, "ended")
    client.post("/v1/identify", json={"userId": "ended", "traits": {"cancelled_at": when(3)}})
    ended = client.get("/v1/leads/ended/score").json()
    assert set(ended) == SHAPE
    assert (ended["probability"], ended["grade"], ended["percentile"], ended["stage"], ended["reasons"]) == (
        None,
        None,
        None,
        "expired",
        [],
    )
    fill(client, "staff")
    client.post("/v1/identify", json={"userId": "staff", "traits": {"email": "x@acme.com"}})
    for lead_id in ("nobody", "staff"):
        answer = client.get(f"/v1/leads/{lead_id}/score")
        assert (answer.status_code, answer.json()["code"]) == (404, "lead_not_found")
        assert answer.headers["content-type"] == "application/problem+json"
    fill(client, "young")
    assert client.get("/v1/leads/young/score", params={"as_of": when(-1)}).json()["code"] == "lead_not_found"
    many = client.post("/v1/leads/scores", json={"lead_ids": ["nobody", "ended", "staff"]}).json()
    assert [score["lead_id"] for score in many["scores"]] == ["ended"]
    assert [(one["index"], one["code"]) for one in many["errors"]] == [(0, "lead_not_found"), (2, "lead_not_found")]


@pytest.mark.parametrize("lead_id", ["a/b", "x@y.com", "a/score", "a b?c#d", "ü/ñ", "//", "🚀", "a+b", ".", "a\r\nb", "\x1b[31m"])
def test_any_id_can_be_asked_for(client: TestClient, lead_id: str) -> None:
    fill(client, lead_id)
    quoted = quote(lead_id, safe="") if lead_id != "." else "%2E"
    for door in ("score", "features"):
        answer = client.get(f"/v1/leads/{quoted}/{door}")
        assert answer.json()["lead_id"] == lead_id, answer.text


def test_an_id_with_nul_is_unknown(client: TestClient) -> None:
    assert client.get("/v1/leads/a%00b/score").json()["code"] == "lead_not_found"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"as_of": "2026-05-07T09:00:00"}, "invalid_as_of"),
        ({"as_of": "yesterday"}, "invalid_as_of"),
        ({"as_of": "2090-01-01"}, "invalid_as_of"),
        ({"reasons": "many"}, "invalid_request"),
        ({"reasons": "-1"}, "invalid_request"),
        ({"reasons": "1000"}, "invalid_request"),
        ({"lang": "fr"}, "invalid_request"),
    ],
)
def test_parameters_that_mean_nothing(client: TestClient, params: dict[str, str], code: str) -> None:
    fill(client)
    answer = client.get("/v1/leads/a/score", params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_without_a_model_scores_wait_and_features_do_not(client: TestClient) -> None:
    client.app.state.services.live.stop()
    fill(client)
    by_model = client.get("/v1/leads/a/features", params={"as_of": when(3)}).json()
    client.app.state.services.live.current = None
    requests = [
        client.get("/v1/leads/a/score"), client.get("/v1/leads"), client.post("/v1/score", json={"leads": []}),
        client.post("/v1/leads/scores", json={"lead_ids": []}),
    ]  # fmt: skip
    for answer in requests:
        assert (answer.status_code, answer.json()["code"]) == (503, "no_model")
        assert int(answer.headers["retry-after"]) > 0
    own = client.get("/v1/leads/a/features", params={"as_of": when(3)}).json()
    assert own["features"]["any_count_all"] == by_model["features"]["any_count_all"] > 0
    assert own["fingerprint"] != by_model["fingerprint"]
    assert (client.get("/livez").status_code, client.get("/readyz").status_code) == (200, 503)
    assert client.get("/v1/model").json()["serving"] is False


def test_a_registry_that_fails_is_told_and_the_model_answers(client: TestClient, registry: FakeRegistry) -> None:
    assert client.get("/readyz").json()["checks"] == {"model": "ok", "store": "ok", "registry": "ok"}
    registry.is_down = True
    wait_for(lambda: client.get("/v1/model").json()["stale"])
    assert client.get("/v1/model").json()["problem"].startswith("the model registry failed")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["registry"]) == (200, "unavailable")
    fill(client)
    assert client.get("/v1/leads/a/score").json()["probability"] > 0


BAD_LEADS: list[tuple[Any, str]] = [
    ({}, "invalid_lead"),
    ("x", "invalid_lead"),
    (posted() | {"lead_id": 7}, "invalid_lead"),
    (posted() | {"surprise": 1}, "invalid_lead"),
    (posted() | {"started_at": "2026-05-07T09:00:00"}, "naive_timestamp"),
    (posted() | {"started_at": None}, "missing_started_at"),
    (posted() | {"started_at": when(5)}, "not_started"),
    (posted() | {"features": {}}, "invalid_lead"),
    (posted() | {"events": [{"event": "x"}]}, "invalid_lead"),
    (posted() | {"events": [{"event": "x", "timestamp": when(0), "count": 0}]}, "invalid_lead"),
    (posted() | {"events": [{"event": "x", "timestamp": 7}]}, "invalid_lead"),
    (posted() | {"attributes": {"company_size": "many"}}, "invalid_attribute"),
    ({"lead_id": "a", "features": {}}, "missing_started_at"),
    ({"lead_id": "a", "started_at": when(0), "features": {"any_count_all": "x"}}, "invalid_feature"),
    ({"lead_id": "a", "started_at": when(0), "features": {"country": 1}}, "invalid_feature"),
    ({"lead_id": "a", "started_at": when(0), "features": {"any_count_all": True}}, "invalid_lead"),
]


def test_each_posted_lead_is_judged_by_itself(client: TestClient) -> None:
    leads = [posted(), *(lead for lead, _ in BAD_LEADS), posted("b")]
    answer = client.post("/v1/score", json={"leads": leads, "as_of": when(4)})
    assert answer.status_code == 200
    body = answer.json()
    assert [score["lead_id"] for score in body["scores"]] == ["a", "b"]
    assert [one["code"] for one in body["errors"]] == [code for _, code in BAD_LEADS]
    assert [one["index"] for one in body["errors"]] == list(range(1, len(BAD_LEADS) + 1))
    assert all(score["reasons"] == [] for score in body["scores"])


def test_words_that_mean_missing_say_nothing_when_posted(client: TestClient) -> None:
    text = WORKSPACE.replace("account: org}", "account: org, missing: [Select]}")
    services = client.app.state.services
    services.workspace = parse_workspace(text, ".")
    said = posted("a") | {"attributes": {"country": "Select", "company_size": "Select", "trial_end": "Select", "title": ""}}
    answers = [
        client.post("/v1/score", json={"leads": [one], "as_of": when(5)}).json()
        for one in (said, posted("a") | {"attributes": {}})
    ]
    assert answers[0]["errors"] == []
    assert answers[0] == answers[1]


def test_a_posted_event_id_counts_once(client: TestClient) -> None:
    lead = posted()
    twice = lead | {"events": [{**event, "id": str(i)} for i, event in enumerate(lead["events"])] * 2}
    once, again = (client.post("/v1/score", json={"leads": [one], "as_of": when(4)}).json()["scores"][0] for one in (lead, twice))
    assert once == again


@pytest.mark.parametrize(
    ("features", "codes"),
    [
        ({"any_count_all": 1e18}, {"clipped"}),
        ({"any_count_all": -5}, {"clipped"}),
        ({"country": "Atlantis"}, {"unknown_category"}),
        ({"nonsense": 1, "more": None}, {"unknown_features"}),
        ({"country": "DE", "any_count_all": 3}, set()),
    ],
)
def test_strange_vectors_are_scored_with_a_warning(client: TestClient, features: dict[str, Any], codes: set[str]) -> None:
    lead = {"lead_id": "a", "started_at": when(0), "features": features}
    (score,) = client.post("/v1/score", json={"leads": [lead], "as_of": when(4)}).json()["scores"]
    assert {one["code"] for one in score["warnings"]} == codes
    assert adds_up(score)


def test_the_age_among_the_features_tells_the_start(client: TestClient) -> None:
    answers = [
        client.post("/v1/score", json={"leads": [lead], "as_of": when(4)}).json()["scores"][0]["percentile"]
        for lead in (
            {"lead_id": "a", "features": {"trial_age_d": 4.0}},
            {"lead_id": "a", "started_at": when(0), "features": {"trial_age_d": 4.0}},
        )
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "body", [{}, [], {"leads": {}}, {"leads": [], "extra": 1}, {"leads": [], "reasons": True}, {"leads": [], "lang": "xx"}]
)
def test_a_body_of_another_shape_is_a_problem(client: TestClient, body: Any) -> None:
    answer = client.post("/v1/score", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_at_most_so_many_leads_at_once(client: TestClient) -> None:
    assert client.post("/v1/score", json={"leads": [{}] * 5001}).status_code == 413
    assert client.post("/v1/leads/scores", json={"lead_ids": ["a"] * 501}).status_code == 422


def test_the_ledger_knows_every_answer(client: TestClient) -> None:
    fill(client)
    score = client.get("/v1/leads/a/score", params={"as_of": when(3)}).json()
    client.post("/v1/score", json={"leads": [posted("free")], "as_of": when(3)})
    services = client.app.state.services
    services.ledger.flush()
    with services.store.reading() as connection:
        rows = connection.execute(
            text("SELECT door, lead_id, probability, as_of, model_version, inputs FROM ledger ORDER BY seq")
        ).all()
    stored, free = rows
    assert tuple(stored)[:5] == ("lead", "a", score["probability"], START + 3 * DAY_US, "1")
    assert stored.inputs is None
    assert '"lead_id":"free"' in free.inputs


def test_the_time_from_event_to_score_is_measured(client: TestClient) -> None:
    fill(client)
    client.get("/v1/leads/a/score", params={"as_of": when(3)})
    client.post("/v1/score", json={"leads": [posted()]})
    assert "trialwise_score_lag_seconds_count 0.0" in client.get("/metrics").text
    client.get("/v1/leads/a/score")
    newest = (now_us() - START) / 1e6 - 11 / 4.5 * 86_400
    (told,) = [line for line in client.get("/metrics").text.splitlines() if line.startswith("trialwise_score_lag_seconds_sum")]
    assert 0 <= newest - float(told.split()[1]) < 60


def test_a_promotion_reaches_the_answers(client: TestClient, registry: FakeRegistry) -> None:
    fill(client)
    first = client.get("/v1/leads/a/score", params={"as_of": when(3)}).json()
    registry.version = "2"
    wait_for(lambda: client.get("/v1/model").json()["version"] == "2")
    second = client.get("/v1/leads/a/score", params={"as_of": when(3)}).json()
    assert (first["model"]["version"], second["model"]["version"]) == ("1", "2")
    assert first["probability"] != second["probability"]
    registry.is_down = True
    wait_for(lambda: client.get("/v1/model").json()["stale"])
    stale = client.get("/v1/leads/a/score").json()
    assert "model_stale" in {one["code"] for one in stale["warnings"]}
