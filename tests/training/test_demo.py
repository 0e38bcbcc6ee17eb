"""The demo's own parts; the whole of it runs in tests/journeys/test_demo.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import InputError, OutsideError
from training.demo import command, make_fresh, next_steps
from training.demo_live import LiveServer, _identify, _track
from training.simulator import simulate


def test_what_an_earlier_demo_left_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    make_fresh(folder)
    simulate(1, leads=50, days=60).write(folder)
    make_fresh(folder)
    assert not folder.exists()


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="another --folder"):
        make_fresh(tmp_path)
    assert (tmp_path / "precious.txt").exists()


def test_a_failing_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="exit 2"):
        command(["check", "-w", str(tmp_path / "nowhere.yaml")], tmp_path)


def test_rows_become_segment_calls() -> None:
    lead = {"lead_id": "a", "signed_up_at": "2026-01-01T00:00:00.000Z", "company_size": "12", "country": ""}
    identify = _identify(lead)
    assert identify["traits"] == {"signed_up_at": "2026-01-01T00:00:00.000Z", "company_size": 12}
    event = {
        "lead_id": "a",
        "event": "login",
        "at": "t",
        "received_at": "r",
        "message_id": "m1",
        "duration_s": "30",
        "amount": "",
        "score": "",
    }
    assert _track(event) == {
        "type": "track", "userId": "a", "messageId": "m1", "event": "login", "timestamp": "t", "receivedAt": "r",
        "properties": {"duration_s": 30.0},
    }  # fmt: skip


def test_a_server_that_never_answers_is_not_ready() -> None:
    assert not LiveServer("http://127.0.0.1:9", "key").wait_until_ready(0.3)


def test_next_steps_name_the_workspace(tmp_path: Path) -> None:
    steps = next_steps(tmp_path / "workspace.yaml")
    assert any("serve" in line and str(tmp_path) in line for line in steps)
    assert "simulated" in steps[-1]
