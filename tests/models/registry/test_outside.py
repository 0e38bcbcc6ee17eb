"""What fails outside the registry is said in one sentence, whatever kind of error it is; our own mistakes are not hidden."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from features.errors import InputError, OutsideError, TrialwiseError
from models import registry
from models.registry.tracking import outside

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
CUT = b"cut"
"""A body that ends before all that was announced has come."""


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


class _Answers(BaseHTTPRequestHandler):
    """Answers what it was told to answer, by path, and nothing else."""

    told: dict[str, tuple[int, bytes]]

    def do_GET(self) -> None:
        status, body = self.told.get(self.path.partition("?")[0], (500, b"no luck"))
        if not status:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(100_000 if body == CUT else len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def server(told: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    """A tracking server that answers so; where nothing is told it answers 500, and with status 0 it hangs up."""
    here = ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (_Answers,), {"told": told}))
    thread = threading.Thread(target=here.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{here.server_port}"
    finally:
        here.shutdown()
        thread.join()
        here.server_close()


def json_of(value: object) -> tuple[int, bytes]:
    return 200, json.dumps(value).encode()


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"{}"),
        (503, b""),
        (0, b""),
        (200, b"<html>log in</html>"),
        (200, b'"text"'),
        (200, b"[]"),
        (200, CUT),
        (404, b"gone"),
    ],
    ids=["500", "503", "hangs up", "a page", "a text", "a list", "cut", "404"],
)
def test_a_server_that_answers_something_else(answer: tuple[int, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    with server({f"{API}/registered-models/alias": answer}) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with pytest.raises(OutsideError, match="the model registry failed"):
            registry.champion("acme")


@pytest.mark.parametrize("answer", [(500, b"{}"), (403, b"<Error>AccessDenied</Error>"), (0, b""), (200, CUT)])
def test_a_download_that_is_refused_or_cut(answer: tuple[int, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, tuple[int, bytes]] = {}
    with server(told) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        version = {"name": "acme", "version": "1", "run_id": "r", "tags": [{"key": registry.DIGEST_TAG, "value": "d"}]}
        told[f"{API}/registered-models/alias"] = json_of({"model_version": version})
        told[f"{API}/model-versions/get-download-uri"] = json_of({"artifact_uri": f"{uri}{FILES}/m"})
        told[FILES] = json_of({"files": [{"path": "model.json", "is_dir": False, "file_size": 100_000}]})
        told[f"{FILES}/m/data/scorer/model.json"] = answer
        ref = registry.champion("acme")
        assert ref is not None
        with pytest.raises(OutsideError, match="the model registry failed"):
            registry.download(ref, tmp_path)


def test_what_we_said_and_our_own_mistakes_come_through() -> None:
    said = InputError("a", given="b", expected="c", do="d")
    with pytest.raises(TrialwiseError) as same, outside("sqlite:///x"):
        raise said
    assert same.value is said
    ours: dict[str, Any] = {"__name__": "models.registry.mistaken"}
    exec("def mistaken(): return {}['absent']", ours)
    with pytest.raises(KeyError, match="absent"), outside("sqlite:///x"):
        ours["mistaken"]()
