"""A backup taken while clients write, restored elsewhere: all that was acknowledged before is in it, and scores are equal.

That is check 9.
"""

from __future__ import annotations

import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from features.store import EventStore
from features.workspace import Workspace
from serving.app import create_app
from serving.settings import Settings
from tests.journeys.scratch_postgres import binaries
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for
from tests.store_fixture import scratch_database

AT_ONCE = 500


def call(lead_id: str, message_id: str) -> dict[str, Any]:
    return {"type": "track", "userId": lead_id, "event": "login", "messageId": message_id, "timestamp": "2026-05-07T00:00:00Z"}


def scores(told: Any) -> Any:
    """Return an answer without its warnings: they tell what a server found when it last looked for silent behaviours."""
    return told | {"scores": [{key: value for key, value in one.items() if key != "warnings"} for one in told["scores"]]}


def plain(address: str) -> str:
    """Return an address as PostgreSQL's own programs read it."""
    return make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def backed_up(url: str, folder: Path) -> Iterator[str]:
    """Back a database up as the operator's page says, and restore it elsewhere; yields where."""
    parsed = make_url(url)
    if parsed.drivername.startswith("sqlite"):
        with sqlite3.connect(str(parsed.database)) as connection:
            connection.execute("VACUUM INTO ?", (str(folder / "backup.db"),))
        yield f"sqlite:///{folder / 'backup.db'}"
        return
    dump = folder / "backup.dump"
    subprocess.run([binaries() / "pg_dump", "-Fc", "-f", dump, plain(url)], check=True)
    with scratch_database() as other:
        subprocess.run([binaries() / "pg_restore", "--clean", "--if-exists", "-d", plain(other), dump], check=True)
        yield other


@pytest.mark.parametrize("leads", [pytest.param(40, marks=pytest.mark.slow), pytest.param(1_000, marks=pytest.mark.faults)])
def test_what_was_acknowledged_before_a_backup_began_is_in_it(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, tmp_path: Path, leads: int
) -> None:
    quiet = [f"quiet{number}" for number in range(leads)]
    acknowledged: list[str] = []
    stop = threading.Event()
    with TestClient(create_app(workspace, settings, source=registry), base_url="http://127.0.0.1") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        first = [call(lead, f"{lead}-{k}") for number, lead in enumerate(quiet) for k in range(1 + number % 5)]
        for start in range(0, len(first), AT_ONCE):
            some = first[start : start + AT_ONCE]
            assert client.post("/v1/batch", json={"batch": some}).json()["accepted"] == len(some)

        def write() -> None:
            number = 0
            while not stop.is_set():
                ids = [f"busy-{number}-{k}" for k in range(20)]
                assert client.post("/v1/batch", json={"batch": [call("busy", one) for one in ids]}).status_code == 200
                acknowledged.extend(ids)
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        wait_for(lambda: len(acknowledged) > 200)
        before = [*acknowledged, *(one["messageId"] for one in first)]
        with backed_up(settings.database_url, tmp_path) as restored:
            stop.set()
            writer.join()
            store = EventStore(restored)
            with store.reading() as connection:
                found = [row[0] for row in connection.exec_driver_sql("SELECT message_id FROM event")]
            store.close()
            assert len(found) == len(set(found))
            assert set(before) <= set(found)
            here = Settings(tmp_path / "elsewhere", restored, key_secret="test", open_to_all=True, poll_seconds=0.05)
            with TestClient(create_app(workspace, here, source=registry), base_url="http://127.0.0.1") as other:
                wait_for(lambda: other.get("/readyz").status_code == 200)
                as_of = client.get(f"/v1/leads/{quiet[0]}/score").json()["as_of"]
                for start in range(0, leads, AT_ONCE):
                    body = {"lead_ids": quiet[start : start + AT_ONCE], "reasons": 2 if leads <= 50 else 0, "as_of": as_of}
                    told = [one.post("/v1/leads/scores", json=body) for one in (client, other)]
                    assert told[0].status_code == 200, told[0].text
                    assert len(told[0].json()["scores"]) == len(body["lead_ids"])
                    assert scores(told[0].json()) == scores(told[1].json())
