"""Ten minutes of a registry in every trouble under 20 requests a second (check 11); short ones are in registry trouble."""

from __future__ import annotations

import json
import time
from itertools import pairwise, repeat
from pathlib import Path

import pytest

from features.workspace import load_workspace
from models import artifact
from tests.faults.registry_server import MOODS, tracking_server
from tests.serving.conftest import WORKSPACE, make_scorer, wait_for
from tests.serving.pressing import percentile, posted, press
from tests.serving.test_draining import is_ready
from tests.serving.test_overload_live import SCORED, Row, table
from tests.serving.test_run import server

RATE, BEFORE, EACH = 20, 60, 120
ONE_POLL = 25.0
"""Seconds without a question after which the next one is another poll: within one, MLflow asks again after 16 at most."""


@pytest.mark.faults
def test_ten_minutes_of_trouble_fail_no_score(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(WORKSPACE, encoding="utf-8")
    workspace, models = load_workspace(tmp_path / "acme.yaml"), {}
    for version in "12":
        models[version] = tmp_path / f"model-{version}"
        artifact.save(make_scorer(workspace, int(version)), models[version])
    wave = repeat(("/v1/score", posted("/v1/score", json.dumps(SCORED).encode())))
    with (
        tracking_server(models) as (tracking, address),
        server(tmp_path, tmp_path, MLFLOW_TRACKING_URI=address) as (client, _),
    ):
        wait_for(lambda: is_ready(client), 60)
        port = client.base_url.port or 0
        press(port, wave, 5, rate=RATE)
        before = press(port, wave, BEFORE, rate=RATE)
        tracking.version = "2"
        begin, told = time.monotonic(), {}
        for mood in MOODS:
            tracking.mood = mood
            told[mood] = press(port, wave, EACH, rate=RATE)
            assert is_ready(client), mood
        assert client.get("/v1/model").json()["stale"]
        end, asked = time.monotonic(), tracking.champion_asked
        tracking.mood = "well"
        tracking.patience.set()
        wait_for(lambda: client.get("/v1/model").json()["version"] == "2", 150)
        assert not client.get("/v1/model").json()["stale"]
        back = time.monotonic() - end
    during = [one for answers in told.values() for one in answers]
    polls = [later for earlier, later in pairwise([begin, *asked]) if later - earlier > ONE_POLL and later <= end]
    minutes = (end - begin) / 60
    was = percentile(before, 0.99, 200)
    table(
        Row("requests while all is well", len(before)),
        Row("requests during the trouble", len(during)),
        Row("p50 while all is well, ms", percentile(before, 0.5, 200)),
        Row("p99 while all is well, ms", was),
        Row("p99 during the trouble, ms", percentile(during, 0.99, 200), 1.2 * was),
        *(Row(f"  p99 while it is {mood}, ms", percentile(answers, 0.99, 200)) for mood, answers in told.items()),
        Row("questions about the champion a minute", sum(begin < one <= end for one in asked) / minutes),
        Row("polls that came after a pause, a minute", len(polls) / minutes, 1 + 2 / minutes),
        Row("seconds until the next champion served", back),
    )
    assert len(during) >= len(MOODS) * EACH * RATE * 0.95
    assert {one.status for one in [*before, *during]} == {200}
    assert len(polls) <= minutes + 2
