"""Logs: one line each, no personal data, nothing that could begin a line of its own."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from features.errors import InputError
from serving.logs import JsonLines, TextLines, escaped, log_config
from serving.request_ids import NOTE, Note
from tests.serving.client import TestClient

HOSTILE = "zoe@example.com\r\nERROR trialwise forged\x1b[31m\u2028\u202e\x85"


@contextmanager
def written(formatter: logging.Formatter, name: str = "trialwise") -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    log = logging.getLogger(name)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


@pytest.mark.parametrize("formatter", [TextLines(), JsonLines()])
def test_a_hostile_text_stays_in_its_line(formatter: logging.Formatter) -> None:
    with written(formatter) as stream:
        logging.getLogger("trialwise.x").warning("%s", HOSTILE)
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line.isascii()
    assert "\x1b" not in line


@pytest.mark.parametrize("formatter", [TextLines(), JsonLines()])
def test_an_error_shows_its_kind_and_place_and_never_its_text(formatter: logging.Formatter) -> None:
    with written(formatter) as stream:
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            logging.getLogger("trialwise.x").exception("it failed")
    text = stream.getvalue()
    assert "ValueError" in text
    assert "test_logs.py" in text
    assert "zoe" not in text
    assert "forged" not in text


def test_lines_of_a_request_bear_its_id() -> None:
    token = NOTE.set(Note("request-1"))
    with written(JsonLines()) as stream:
        logging.getLogger("trialwise.x").info("x")
    NOTE.reset(token)
    assert json.loads(stream.getvalue())["request_id"] == "request-1"


def test_each_request_leaves_a_line_without_what_it_sent(client: TestClient) -> None:
    with written(JsonLines()) as stream:
        client.get("/v1/leads/zoe%40example.com/score?lang=canary", headers={"X-Request-Id": "request-2"})
        client.get("/zoe%40example.com")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines() if "trialwise.access" in line)
    assert first.pop("ms") >= 0
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "info", "logger": "trialwise.access", "message": "GET /v1/leads/{lead_id}/score 422", "method": "GET",
        "route": "/v1/leads/{lead_id}/score", "status": 422, "key": None, "request_id": "request-2",
    }  # fmt: skip
    assert (second["route"], second["status"]) == ("unknown", 404)
    assert "zoe" not in stream.getvalue()
    assert "canary" not in stream.getvalue()


def test_the_format_is_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert log_config()["formatters"]["lines"]["()"].endswith("TextLines")
    monkeypatch.setenv("TRIALWISE_LOG_FORMAT", "json")
    assert log_config()["formatters"]["lines"]["()"].endswith("JsonLines")
    monkeypatch.setenv("TRIALWISE_LOG_FORMAT", "xml")
    with pytest.raises(InputError, match="TRIALWISE_LOG_FORMAT"):
        log_config()


def test_a_text_line_reads_well() -> None:
    record = logging.LogRecord("trialwise.access", logging.INFO, "f.py", 1, "GET /livez %d", (200,), None)
    record.told = {"method": "GET", "route": "/livez", "status": 200, "ms": 0.4, "key": None}
    line = TextLines().format(record)
    assert line.endswith(" INFO trialwise.access GET /livez 200 ms=0.4 key=None")
    assert escaped("ü") == "ü"
