"""A real server, ten seconds of one key's blast and another key beside it: who is let in, and what it costs the other (check 34).

With a clock of the test's own the same is asked in rate limits, with every commit.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import pytest

from serving import api_keys
from tests.journeys.server import running
from tests.serving.pressing import Told, Wave, percentile, press
from tests.serving.test_overload_live import Row, table

RATE, BURST, SECONDS, BLAST, CALM = 100, 200, 10, 400, 20


def asking(key: str) -> Wave:
    head = f"GET /v1/leads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"
    return repeat(("/v1/leads", head.encode()))


@pytest.mark.faults
def test_a_blast_is_let_in_as_far_as_it_may(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.delenv("TRIALWISE_DATABASE_URL", raising=False)
    loud, calm = (api_keys.create_key(scopes=["score"], name=name)["key"] for name in ("loud", "calm"))
    with running(folder / "acme.yaml", tmp_path, key=calm, ready=False) as client, ThreadPoolExecutor(1) as aside:
        port = client.base_url.port or 0
        before = press(port, asking(calm), SECONDS, rate=CALM)
        beside = aside.submit(press, port, asking(calm), SECONDS, rate=CALM)
        told = press(port, asking(loud), SECONDS, rate=BLAST)
        during = beside.result()
    admitted = [one for one in told if one.status != 429]
    span = max(one.sent + one.seconds for one in told) - min(one.sent for one in told)
    may = BURST + RATE * span
    was = percentile(before, 0.99, *statuses(before))
    table(
        Row("requests of the loud key a second", len(told) / span),
        Row("admitted", len(admitted)),
        Row("rate and burst allow", may),
        Row("the calm key alone p99, ms", was),
        Row("the calm key beside the loud one p99, ms", percentile(during, 0.99, *statuses(during)), 1.2 * was),
    )
    assert len(told) > 2 * may
    assert abs(len(admitted) - may) <= 0.02 * may
    assert 429 not in statuses(before) | statuses(during)


def statuses(told: list[Told]) -> set[int]:
    return {one.status for one in told}
