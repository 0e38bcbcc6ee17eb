"""Why a score changed: on a real server, over both databases, between times and between versions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from features.clock import now_us
from serving.problems import TITLES
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for
from tests.serving.test_scores import fill, when

PARTS = {"behaviour", "time", "model"}


def ask(client: TestClient, lead_id: str = "a", **params: Any) -> dict[str, Any]:
    answer = client.get(f"/v1/leads/{lead_id}/changes", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(client: TestClient, lead_id: str = "a", **params: Any) -> tuple[int, str]:
    answer = client.get(f"/v1/leads/{lead_id}/changes", params=params)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] in TITLES
    return answer.status_code, answer.json()["code"]


def adds_up(answer: dict[str, Any]) -> None:
    then, now = answer["then"]["probability"], answer["now"]["probability"]
    assert abs(answer["difference"]["points"] - (now - then)) < 1e-12
    logits = [float(np.log(p / (1 - p))) for p in (then, now)]
    assert abs(answer["difference"]["log_odds"] - (logits[1] - logits[0])) < 1e-9
    assert set(answer["parts"]) == PARTS
    for key in ("points", "log_odds"):
        assert abs(sum(one[key] for one in answer["reasons"]) + answer["rest"][key] - answer["difference"][key]) < 1e-9
        parts = answer["parts"].values()
        assert abs(sum(part[key] for part in parts) - answer["difference"][key]) < 1e-9
        for part in parts:
            assert abs(sum(one[key] for one in part["reasons"]) + part["rest"][key] - part[key]) < 1e-9


@pytest.mark.parametrize("reasons", [None, "0", "1", "all"])
def test_everything_adds_up(client: TestClient, reasons: str | None) -> None:
    fill(client)
    for first, last in ((0.1, 1), (1, 2.5), (0.5, 4), (2, 2)):
        asked = {"since": when(first), "as_of": when(last)} | ({} if reasons is None else {"reasons": reasons})
        answer = ask(client, **asked)
        adds_up(answer)
        assert (answer["since"][:19], answer["as_of"][:19]) == (when(first)[:19], when(last)[:19])
        for side, days in (("then", first), ("now", last)):
            score = client.get("/v1/leads/a/score", params={"as_of": when(days)}).json()
            assert answer[side] == {key: score[key] for key in answer[side]}


def test_time_alone_when_nothing_happened(client: TestClient) -> None:
    fill(client)
    answer = ask(client, since=when(3), as_of=when(5), reasons="all")
    adds_up(answer)
    assert answer["parts"]["behaviour"]["points"] == 0
    assert answer["parts"]["behaviour"]["text"].startswith("Nothing")
    assert answer["parts"]["model"]["points"] == 0


def test_what_happened_since_is_behaviour_and_not_time(client: TestClient) -> None:
    """Later knowledge changes the behaviour and leaves the part of time as it was."""
    fill(client)
    before = ask(client, since=when(2), as_of=when(4), reasons="all")
    assert before["parts"]["behaviour"]["points"] == 0 or before["parts"]["behaviour"]["reasons"]
    late = {
        "type": "track",
        "userId": "a",
        "event": "feature.a",
        "messageId": "late",
        "timestamp": when(3),
        "receivedAt": when(3),
    }
    assert client.post("/v1/batch", json={"batch": [late]}).json()["accepted"] == 1
    after = ask(client, since=when(2), as_of=when(4), reasons="all")
    adds_up(after)
    assert after["parts"]["time"] == before["parts"]["time"]
    assert after["parts"]["behaviour"]["points"] != before["parts"]["behaviour"]["points"]


def test_without_since_it_is_the_whole_trial(client: TestClient) -> None:
    fill(client)
    answer = ask(client, as_of=when(3))
    assert answer["since"][:19] == when(0)[:19]
    adds_up(answer)


def test_the_languages_of_the_parts(client: TestClient) -> None:
    fill(client)
    texts = {ask(client, since=when(1), as_of=when(3), lang=lang)["parts"]["time"]["text"] for lang in ("en", "tr", "de")}
    assert len(texts) == 3


def promote(client: TestClient, registry: FakeRegistry, version: str) -> None:
    registry.version = version
    wait_for(lambda: client.get("/v1/model").json()["version"] == version)


def test_the_version_that_scored_the_lead_then_looks_again(client: TestClient, registry: FakeRegistry) -> None:
    fill(client)
    answer = ask(client, since=when(1), as_of=when(3))
    assert (answer["model_then_by"], [one["code"] for one in answer["warnings"]]) == ("current", ["model_then_unknown"])
    client.get("/v1/leads/a/score")
    client.app.state.services.ledger.flush()
    scored_at = now_us()
    promote(client, registry, "2")
    text = np.datetime64(scored_at, "us").astype(str) + "Z"
    answer = ask(client, since=text, reasons="all")
    adds_up(answer)
    assert answer["model_then_by"] == "ledger"
    assert (answer["then"]["model"]["version"], answer["now"]["model"]["version"]) == ("1", "2")
    assert answer["parts"]["model"]["points"] != 0
    base = next(one for one in answer["parts"]["model"]["reasons"] if one["player"] == "base")
    assert base["points"] == answer["now"]["base"] - answer["then"]["base"]


def test_two_versions_at_one_time_differ_by_the_model_alone(client: TestClient, registry: FakeRegistry) -> None:
    fill(client)
    promote(client, registry, "2")
    answer = ask(client, since=when(2), as_of=when(2), version="1", reasons="all")
    adds_up(answer)
    assert answer["model_then_by"] == "asked"
    assert (answer["parts"]["behaviour"]["points"], answer["parts"]["time"]["points"]) == (0, 0)
    assert abs(answer["parts"]["model"]["points"] - answer["difference"]["points"]) < 1e-9
    same = ask(client, since=when(2), as_of=when(2), version="2")
    assert same["difference"] == {"points": 0, "log_odds": 0}


def test_a_version_that_is_gone(client: TestClient, registry: FakeRegistry) -> None:
    fill(client)
    for version in ("9", "../1", "", "1-"):
        assert refused(client, since=when(1), as_of=when(2), version=version) == (404, "version_not_kept")
    client.get("/v1/leads/a/score")
    client.app.state.services.ledger.flush()
    text = np.datetime64(now_us(), "us").astype(str) + "Z"
    promote(client, registry, "2")
    services = client.app.state.services
    for place in (services.past._models._folder).glob("1-*"):
        (place / "manifest.json").unlink()
    answer = ask(client, since=text)
    adds_up(answer)
    assert (answer["model_then_by"], answer["then"]["model"]["version"]) == ("current", "2")
    assert "model_not_kept" in [one["code"] for one in answer["warnings"]]


def test_a_lead_that_is_not_open_has_nothing_to_compare(client: TestClient) -> None:
    fill(client)
    paid = {"conversions": [{"lead_id": "a", "at": when(4)}]}
    assert client.post("/v1/conversions", json=paid).json()["accepted"] == 1
    answer = ask(client, since=when(1))
    assert (answer["difference"], answer["reasons"], answer["rest"], answer["parts"]) == (None, [], None, None)
    assert (answer["now"]["stage"], answer["now"]["probability"]) == ("customer", None)
    assert "customer" in answer["text"]


def test_what_cannot_be_asked(client: TestClient) -> None:
    fill(client)
    assert refused(client, since=when(-1), as_of=when(2)) == (422, "invalid_since")
    assert refused(client, since=when(3), as_of=when(2)) == (422, "invalid_since")
    for text in ("2026-05-01T00:00:00", "soon", "1746057600", ""):
        assert refused(client, since=text) == (422, "invalid_since")
    assert refused(client, as_of="soon") == (422, "invalid_as_of")
    assert refused(client, reasons="many") == (422, "invalid_request")
    assert refused(client, lang="fr") == (422, "invalid_request")
    assert refused(client, "nobody") == (404, "lead_not_found")
    assert refused(client, "%00") == (404, "lead_not_found")


def test_the_score_that_was_told_is_in_the_ledger(client: TestClient) -> None:
    fill(client)
    answer = ask(client, since=when(1), as_of=when(3))
    services = client.app.state.services
    services.ledger.flush()
    from features.storing.schema import ledger

    with services.store.reading() as connection:
        (row,) = [one for one in connection.execute(ledger.select()).mappings() if one["door"] == "changes"]
    assert (row["probability"], row["inputs"]) == (answer["now"]["probability"], None)
