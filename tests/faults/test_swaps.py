"""Models are swapped while requests run: every answer is one version's own, to the bit, and none fails (check 16)."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from features.workspace import Workspace, parse_workspace
from models import artifact
from serving.app import create_app
from serving.settings import Settings
from tests.serving.conftest import WORKSPACE, FakeRegistry, make_scorer, wait_for
from tests.serving.test_scores import posted, when

ASKED = {"leads": [posted("a"), posted("b", 5)], "as_of": when(5), "reasons": "all"}
VERSIONS = ("1", "2", "3")


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return parse_workspace(WORKSPACE, ".")


@pytest.fixture(scope="module")
def registry(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> FakeRegistry:
    folder = tmp_path_factory.mktemp("models")
    for version in VERSIONS:
        definition = parse_workspace(WORKSPACE + "sessions: {gap_minutes: 10}\n", ".") if version == "3" else workspace
        artifact.save(make_scorer(definition, int(version)), folder / version)
    found = FakeRegistry({version: folder / version for version in VERSIONS})
    found.version = "1"
    return found


@contextmanager
def server(workspace: Workspace, registry: FakeRegistry, home: Path) -> Iterator[httpx.Client]:
    """A real server in a thread."""
    settings = Settings(home, f"sqlite:///{home / 'store.db'}", key_secret="x", open_to_all=True, poll_seconds=0.05)
    app = create_app(workspace, settings, source=registry)
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="on"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    wait_for(lambda: running.started)
    port = running.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_for(lambda: client.get("/readyz").status_code == 200)
            yield client
    finally:
        running.should_exit = True
        thread.join(30)


def serving(client: httpx.Client) -> str | None:
    found: str | None = client.get("/v1/model").json()["version"]
    return found


def promote(client: httpx.Client, registry: FakeRegistry, version: str) -> None:
    registry.rival, registry.version = registry.version, version  # the one before it is compared in the shadow
    wait_for(lambda: serving(client) == version)


def essence(scores: list[dict[str, Any]]) -> list[Any]:
    """Return what a model alone decides of an answer."""
    kept = ("probability", "grade", "percentile", "stage", "base", "reasons", "rest", "model")
    return [[score[key] for key in kept] for score in scores]


def swap(client: httpx.Client, registry: FakeRegistry, swaps: int, askers: int, each: float = 0.0) -> dict[str, int]:
    """Swap so often while so many ask; return how many answers each version gave."""
    wanted: dict[str, list[Any]] = {}
    for version in VERSIONS:
        promote(client, registry, version)
        wanted[version] = essence(client.post("/v1/score", json=ASKED).json()["scores"])
    assert len({str(one) for one in wanted.values()}) == len(VERSIONS)
    stop, wrong, given = threading.Event(), [], dict.fromkeys(VERSIONS, 0)

    def ask() -> None:
        with httpx.Client(base_url=client.base_url, timeout=60) as own:
            while not stop.wait(each):
                answer = own.post("/v1/score", json=ASKED)
                scores = answer.json().get("scores") if answer.status_code == 200 else None
                version = scores[0]["model"]["version"] if scores else ""
                if scores is None or essence(scores) != wanted[version]:
                    wrong.append(answer.text)
                    return
                given[version] += 1

    threads = [threading.Thread(target=ask) for _ in range(askers)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(swaps):
            promote(client, registry, VERSIONS[turn % len(VERSIONS)])
            before = sum(given.values())
            wait_for(lambda before=before: wrong or sum(given.values()) >= before + askers)  # type: ignore[misc]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong[0][:500]
    return given


def test_twenty_swaps_under_requests_mix_no_two_models(workspace: Workspace, registry: FakeRegistry, tmp_path: Path) -> None:
    with server(workspace, registry, tmp_path) as client:
        given = swap(client, registry, 20, 2)
    assert all(count > 5 for count in given.values())


def megabytes() -> float:
    """Return the memory of this process that lies in RAM, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.mark.faults
def test_two_hundred_swaps_at_50_requests_a_second_grow_nothing(
    workspace: Workspace, registry: FakeRegistry, tmp_path: Path
) -> None:
    with server(workspace, registry, tmp_path) as client:
        swap(client, registry, 20, 4, each=0.08)
        time.sleep(1)
        before = megabytes()
        given = swap(client, registry, 200, 4, each=0.08)
        time.sleep(1)
        after = megabytes()
    assert sum(given.values()) > 200
    assert after - before < 20
