"""Parity: what was answered comes out again to the last bit; what does not is told, with what explains it told apart.

That is check 21.
"""

from __future__ import annotations

import json
import random
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

import trialwise
from features.store import EventStore
from features.storing.answered import sample_answers
from features.storing.rows import Answer
from features.storing.schema import ledger
from features.workspace import Workspace
from models.artifact import folder_digest
from models.registry import ChampionRef
from serving.parity import Find, Parity, check_parity
from serving.proving import Loaded, prove
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for
from tests.serving.test_privacy import fill, store_of
from tests.serving.test_scores import posted, when


@pytest.fixture
def find(models: dict[str, Path], workspace: Workspace) -> Find:
    made: dict[tuple[str, str], Loaded | None] = {}

    def look(version: str, digest: str) -> Loaded | None:
        if (version, digest) not in made:
            folder = models.get(version)
            good = folder is not None and folder_digest(folder) == digest
            made[version, digest] = (
                prove(ChampionRef("acme", version, digest, ""), folder, workspace) if good and folder else None
            )
        return made[version, digest]

    return look


def ask(client: TestClient, version: str = "1") -> int:
    """Ask for scores in every way that the ledger keeps, and return how many answers that is."""
    days = (0.6, 1, 2.2, 5, 7)
    for day in days:
        for lead_id in ("ann", "bob"):
            assert client.get(f"/v1/leads/{lead_id}/score", params={"as_of": when(day)}).status_code == 200
    many = client.post("/v1/leads/scores", json={"lead_ids": ["ann", "bob"], "as_of": when(3)}).json()
    free = client.post("/v1/score", json={"leads": [posted(), posted("z", 3)], "as_of": when(4)}).json()
    row = client.get("/v1/leads/ann/features", params={"as_of": when(2)}).json()["features"]
    whole = {"lead_id": "v", "started_at": when(0), "features": row}
    given = client.post("/v1/score", json={"leads": [whole], "as_of": when(2)}).json()
    assert [one["errors"] for one in (many, free, given)] == [[]] * 3
    assert client.post("/invocations", json={"dataframe_records": [row, {"country": "XX"}, {"lead_id": "w"}]}).status_code == 200
    client.app.state.services.ledger.flush()
    assert {one["model"]["version"] for one in many["scores"]} == {version}
    return 2 * len(days) + 2 + 2 + 1 + 3


def test_every_answer_comes_out_again(client: TestClient, workspace: Workspace, registry: FakeRegistry, find: Find) -> None:
    fill(client, "ann", "browser a")
    fill(client, "bob", "browser b", events=30)
    number = ask(client)
    registry.version = "2"
    wait_for(lambda: client.get("/v1/model").json()["version"] == "2")
    number += ask(client, "2")
    later = {"userId": "ann", "event": "Feature.A", "messageId": "later", "timestamp": when(2)}
    client.post("/v1/track", json=later)  # happened before most answers; nobody knew
    found = check_parity(workspace, store_of(client), find)
    assert found == Parity(number, number, number)
    assert found.lines() == [f"{number:,} of {number:,} answers checked: {number:,} the same, 0 not."]


@pytest.mark.parametrize(
    ("leads", "rounds"), [pytest.param(10, 25, marks=pytest.mark.slow), pytest.param(100, 100, marks=pytest.mark.faults)]
)
def test_thousands_of_answers_come_out_again_though_events_came_in_all_the_while(
    client: TestClient, workspace: Workspace, registry: FakeRegistry, find: Find, leads: int, rounds: int
) -> None:
    """While four threads ask, another tells of events, some of which happened earlier; models are promoted between them."""
    seed = secrets.randbits(32)
    ids = [f"lead {number}" for number in range(leads)]
    for number, lead_id in enumerate(ids):
        fill(client, lead_id, f"browser {number}", events=3 + number % 9, account=f"team {number // 4}")
    stop, told = threading.Event(), [0]

    def tell() -> None:
        draw = random.Random(seed)
        while not stop.wait(0.02):
            past = {"timestamp": when(draw.uniform(0.1, 6))} if draw.random() < 0.5 else {}
            call = {"userId": draw.choice(ids), "event": draw.choice(("Feature.A", "Login")), "messageId": f"m{told[0]}"}
            assert client.post("/v1/track", json=call | past).json()["accepted"] == 1
            told[0] += 1

    def ask(turn: int) -> int:
        draw = random.Random(f"{seed} {turn}")
        if turn % (rounds // 5) == 0:
            registry.version = str(1 + turn % 2)
        at = {"as_of": when(draw.uniform(0.6, 7))} if draw.random() < 0.5 else {}
        many = client.post("/v1/leads/scores", json={"lead_ids": ids} | at)
        assert (many.status_code, many.json()["errors"]) == (200, []), many.text
        one = client.get(f"/v1/leads/{draw.choice(ids)}/score", params=at)
        assert one.status_code == 200, one.text
        return len(many.json()["scores"]) + 1

    teller = threading.Thread(target=tell)
    teller.start()
    with ThreadPoolExecutor(4) as pool:
        number = sum(pool.map(ask, range(rounds)))
    stop.set()
    teller.join()
    client.app.state.services.ledger.flush()
    found = check_parity(workspace, store_of(client), find, sample=number)
    print(f"seed {seed}, {told[0]} events meanwhile: {found.as_dict()}")
    assert (found.answers, found.checked, found.mismatches) == (number, number, 0), found.shown
    assert found.same + found.late == number
    assert found.late < number / 10


def test_another_number_is_a_mismatch_and_shown(client: TestClient, workspace: Workspace, find: Find) -> None:
    fill(client, "ann", "browser a")
    fill(client, "bob", "browser b")
    number = ask(client)
    store = store_of(client)
    with store.writing() as connection:
        stored = (ledger.c.lead_id == "ann") & (ledger.c.door == "lead") & ledger.c.probability.is_not(None)
        connection.execute(update(ledger).where(stored).values(probability=ledger.c.probability * (1 + 2**-50)))
        connection.execute(update(ledger).where(ledger.c.door == "mlflow").values(stage="customer"))
    found = check_parity(workspace, store, find)
    assert 3 <= found.mismatches == len(found.shown) <= 5
    assert (found.same, found.stages_differ) == (number - found.mismatches, 3)
    assert all(one["lead_id"] == "ann" and one["answered"] != one["again"] for one in found.shown)
    assert len(found.lines()) == 2 + found.mismatches


def test_what_was_told_beside_a_change_is_a_score_like_any_other(client: TestClient, workspace: Workspace, find: Find) -> None:
    fill(client, "ann", "browser a")
    assert client.get("/v1/leads/ann/changes", params={"since": when(1), "as_of": when(2)}).status_code == 200
    imagined = {"as_of": when(2), "events": [{"event": "login"}]}
    assert client.post("/v1/leads/ann/what-if", json=imagined).status_code == 200
    client.app.state.services.ledger.flush()
    found = check_parity(workspace, store_of(client), find)
    assert (found.checked, found.same) == (2, 2)


def test_what_was_stored_later_is_counted_apart(client: TestClient, workspace: Workspace, find: Find) -> None:
    fill(client, "ann", "browser a")
    fill(client, "bob", "browser b")
    number = ask(client)
    # An administrator fills in the past: it counts as known before the answers.
    past = {"userId": "ann", "event": "Feature.A", "messageId": "p", "timestamp": when(1.1), "receivedAt": when(1.1)}
    assert client.post("/v1/track", json={"userId": "x", "event": "Login", "messageId": "between"}).json()["accepted"] == 1
    assert client.post("/v1/track", json=past).json()["accepted"] == 1
    found = check_parity(workspace, store_of(client), find)
    assert found.mismatches == 0
    assert 1 <= found.late <= 5
    assert found.same + found.late == number


def test_a_model_that_is_gone_and_a_lead_that_is_none_any_more(client: TestClient, workspace: Workspace, find: Find) -> None:
    store = store_of(client)
    fill(client, "ann", "browser a")
    digest = client.get("/v1/model").json()["digest"]
    common: dict[str, Any] = {"at": 1, "door": "lead", "key_id": None, "model_digest": digest, "fingerprint": "f"}
    told: dict[str, Any] = {"as_of": 1, "probability": 0.5, "stage": "lead"}
    store.add_answers(
        [
            Answer(lead_id="a", model_version="9", inputs=None, **common, **told),
            Answer(lead_id="unknown", model_version="1", inputs=None, **common, **told),
            Answer(lead_id="a", model_version="1", inputs='{"lead_id":"a"}', **common, **told),
        ]
    )
    found = check_parity(workspace, store, find)
    assert (found.answers, found.checked, found.same, found.mismatches) == (3, 2, 0, 2)
    assert found.without_model == {"9": 1}
    assert "1 by version 9, which is not to be had." in found.lines()


def test_a_sample_is_of_the_same_leads_every_time(tmp_path: Path) -> None:
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    store.add_answers([Answer(1, "lead", None, f"lead {n % 40}", 2, "1", "d", "f", 0.1, "lead", None) for n in range(200)])
    with store.reading() as connection:
        total, some = sample_answers(connection, 20)
        assert (total, len(some)) == (200, 20)
        assert {(number - 1) % 40 for number in some} == {(some[0] - 1) % 40, *((n - 1) % 40 for n in some[:4])}
    store.add_answers([Answer(1, "lead", None, "lead 0", 2, "1", "d", "f", 0.1, "lead", None)])
    with store.reading() as connection:
        assert len(set(some) & set(sample_answers(connection, 20)[1])) >= 15
        assert len(sample_answers(connection, 1000)[1]) == 201
    store.close()


def test_the_verb(
    client: TestClient, workspace: Workspace, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With the models that the server kept on disk, and no registry at all."""
    fill(client, "ann", "browser a")
    fill(client, "bob", "browser b")
    number = ask(client)
    store = store_of(client)
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", store.engine.url.render_as_string(hide_password=False))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    command = ["parity", "-w", str(folder / "acme.yaml")]
    assert trialwise.run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["answers"], told["same"], told["mismatches"], told["without_model"]) == (number, number, 0, {})
    with store.writing() as connection:
        connection.execute(update(ledger).values(probability=0.123))
        connection.execute(update(ledger).where(ledger.c.seq <= 2).values(model_version="7"))
    assert trialwise.run([*command, "--sample", "6"]) == 1
    assert "of 18 answers checked" in capsys.readouterr().out
