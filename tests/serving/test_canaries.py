"""Marked people go in through every door, and are then looked for where they must not be: in logs, metrics and problem bodies.

That is check 35.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from serving.logs import JsonLines, TextLines
from tests.serving.client import TestClient

MARK = "canary7f3a"
PERSON = {"email": f"{MARK}@example.com", "name": f"Ada {MARK}", "phone": f"+49-{MARK}", "amount": f"{MARK}99.5"}
LEAD = f"{MARK}@example.com\r\nERROR trialwise {MARK}\x1b[31m"
AT = "2026-05-07T09:00:00Z"

CALL: dict[str, Any] = {
    "userId": LEAD, "anonymousId": f"anon-{MARK}", "messageId": f"m-{MARK}", "event": f"Paid {MARK}", "timestamp": AT,
    "properties": PERSON, "traits": PERSON, "context": {"ip": MARK, "traits": PERSON, "page": {"url": f"https://x/{MARK}"}},
    "groupId": f"org-{MARK}", "previousId": f"old-{MARK}", "name": f"page {MARK}",
}  # fmt: skip
CALL_LIKE = {"event": MARK, "id": MARK, "timestamp": MARK, "properties": PERSON}
POSTED: dict[str, Any] = {
    **{f"/v1/{kind}": CALL | {"type": kind} for kind in ("track", "identify", "page", "screen", "group", "alias")},
    "/v1/batch": {"batch": [CALL | {"type": "track"}, {"type": MARK, **PERSON}]},
    "/v1/events": [CALL | {"type": "track"}],
    "/v1/conversions": {"conversions": [{"lead_id": LEAD, "at": AT, "id": MARK}, {"lead_id": MARK, "at": MARK}]},
    "/v1/contacts": {"contacts": [{"lead_id": LEAD, "at": AT, "play": MARK, "channel": MARK, "result": MARK, "need": MARK}]},
    "/i/v0/e/": {"api_key": MARK, "event": MARK, "distinct_id": LEAD, "properties": {"$set": PERSON}},
    "/v1/score": {"leads": [{"lead_id": LEAD, "started_at": AT, "attributes": PERSON, "account": MARK}]},
    "/v1/leads/scores": {"lead_ids": [LEAD, MARK]},
    f"/v1/leads/{quote(LEAD, safe='')}/what-if": {
        "events": [CALL_LIKE],
        "attributes": PERSON,
        "trial_ends_at": MARK,
    },
    "/invocations": {"dataframe_split": {"columns": [MARK], "data": [[MARK]]}},
}
WRONG: list[Any] = [{MARK: PERSON}, [MARK], MARK, {"leads": MARK, "batch": MARK, "lead_ids": [{"x": MARK}]}]


@pytest.fixture(params=[TextLines, JsonLines])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """All that our loggers and the server's would write, in either format."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(request.param())
    names = ("trialwise", "uvicorn", "sqlalchemy", "mlflow", "asyncio")
    loggers = [logging.getLogger(name) for name in names]
    before = [(one, one.level) for one in loggers]
    for one in loggers:
        one.addHandler(handler)
        one.setLevel(logging.INFO)
    yield stream
    for one, level in before:
        one.removeHandler(handler)
        one.setLevel(level)


def test_nobody_is_found_where_they_must_not_be(client: TestClient, log: io.StringIO) -> None:
    problems = ""

    def ask(method: str, path: str, **more: Any) -> None:
        nonlocal problems
        answer = client.request(method, path, **more)
        problems += "" if answer.status_code == 200 else answer.text
        problems += json.dumps(dict(answer.headers))

    for headers in ({}, {"X-Request-Id": f"{MARK}@example.com", "User-Agent": MARK, "Origin": f"https://{MARK}.com"}):
        for path, body in POSTED.items():
            ask("POST", path, json=body, headers=headers)
            for wrong in WRONG:
                ask("POST", path, json=wrong, headers=headers)
            ask("POST", path, content=b'{"%s": NaN}' % MARK.encode(), headers={"Content-Type": "application/json"})
            ask("POST", path, content=MARK.encode(), headers={"Content-Type": f"text/{MARK}"})
        changes = ("changes", f"changes?since={AT}&version={MARK}", f"changes?since={MARK}&reasons={MARK}")
        for suffix in ("score", "features", f"score?as_of={MARK}&lang={MARK}", f"{MARK}", *changes):
            ask("GET", f"/v1/leads/{quote(LEAD, safe='')}/{suffix}", headers=headers)
        ask("GET", f"/v1/leads?stage={MARK}&cursor={MARK}&limit={MARK}", headers=headers)
        ask("GET", f"/{MARK}", headers=headers)
        ask("GET", "/livez", headers=headers | {"Authorization": f"Bearer {MARK}", "Cookie": MARK})
    metrics = client.get("/metrics").text
    assert "trialwise_events_total" in metrics
    assert "trialwise.access" in log.getvalue()
    for where, text in {"problems": problems, "metrics": metrics, "log": log.getvalue()}.items():
        assert MARK not in text, (where, text[max(0, text.find(MARK) - 300) : text.find(MARK) + 100])
    for line in log.getvalue().splitlines():
        assert line.isprintable(), line
