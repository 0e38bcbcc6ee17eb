"""Wrong input through the command line: one clear sentence, the right exit code, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import trialwise

WORKSPACE = """
version: 1
name: wrong
data:
  leads: {source: leads.csv, id: lead_id, started_at: signed_up_at}
  events: {source: events.csv, lead: user_id, name: event, at: timestamp}
  conversions: {source: conversions.csv, lead: lead_id, at: converted_at}
behaviours:
  core_use: {events: ["feature.*"]}
"""
LEADS = "lead_id,signed_up_at\na,2026-01-01T00:00:00Z\nb,2026-01-02T00:00:00Z\n"
EVENTS = "user_id,timestamp,event\na,2026-01-01T10:00:00Z,feature.export\n"
CONVERSIONS = "lead_id,converted_at\na,2026-01-05T00:00:00Z\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "var"))
    (tmp_path / "w.yaml").write_text(WORKSPACE)
    (tmp_path / "leads.csv").write_text(LEADS)
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "conversions.csv").write_text(CONVERSIONS)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = trialwise.run([str(a) for a in arguments])
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return code, text


def test_a_good_workspace_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trialwise.run(["check", "-w", str(folder / "w.yaml"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["tables"]["leads"]["read"] == 2
    assert report["ok"] is True


@pytest.mark.parametrize("verb", [["check"], ["features", "--age", "1", "--out", "f.csv"], ["train"]], ids=lambda v: v[0])
def test_a_missing_file_is_named(folder: Path, capsys: pytest.CaptureFixture[str], verb: list[str]) -> None:
    (folder / "events.csv").unlink()
    code, text = refused(capsys, *verb, "-w", folder / "w.yaml")
    assert code == 2
    assert "events.csv" in text


def test_a_missing_workspace_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = refused(capsys, "check", "-w", folder / "nowhere.yaml")
    assert code == 2
    assert "nowhere.yaml" in text


def test_a_missing_column_is_named_with_the_nearest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "events.csv").write_text(EVENTS.replace("user_id", "userid"))
    code, text = refused(capsys, "check", "-w", folder / "w.yaml")
    assert code == 2
    assert "user_id" in text
    assert "userid" in text


def test_naive_times_ask_for_a_zone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "events.csv").write_text(EVENTS.replace("10:00:00Z", "10:00:00"))
    code, text = refused(capsys, "check", "-w", folder / "w.yaml")
    assert code == 2
    assert "zone" in text


def test_an_unknown_behaviour(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "w.yaml").write_text(WORKSPACE.replace("core_use:", "core_usage:"))
    code, text = refused(capsys, "check", "-w", folder / "w.yaml")
    assert code == 2
    assert "core_usage" in text
    assert "core_use" in text


def test_an_unknown_key_names_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "w.yaml").write_text(WORKSPACE + "behaviors: {}\n")
    code, text = refused(capsys, "check", "-w", folder / "w.yaml")
    assert code == 2
    assert "line 10" in text
    assert "behaviours" in text


def test_an_empty_events_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "events.csv").write_text("user_id,timestamp,event\n")
    code, text = refused(capsys, "check", "-w", folder / "w.yaml")
    assert code == 2
    assert "events.csv" in text


def test_a_lead_with_no_events_and_a_conversion_of_an_unknown_lead(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "conversions.csv").write_text(CONVERSIONS + "zz,2026-01-06T00:00:00Z\n")
    assert trialwise.run(["check", "-w", str(folder / "w.yaml"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["line"] for row in report["tables"]["conversions"]["refused"]] == [3]
    assert trialwise.run(["features", "-w", str(folder / "w.yaml"), "--age", "1", "--out", str(folder / "f.csv")]) == 0
    rows = (folder / "f.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["a", "b"]


def test_misuse_is_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = ("score", "-w", folder / "w.yaml", "--age", "3", "--as-of", "2026-02-01", "--out", folder / "s.csv")
    assert refused(capsys, *both)[0] == 2
    assert refused(capsys, "scores")[0] == 2
    assert refused(capsys, "score", "-w", folder / "w.yaml", "--age", "3")[0] == 2


@pytest.mark.parametrize("words", [["train"], ["nosuch"], ["score", "--age", "soon", "-w", "w.yaml"]])
def test_misuse_is_json_where_that_was_asked_for(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert trialwise.run([*words, "--json"]) == 2
    out, said = capsys.readouterr()
    told = json.loads(out)
    assert set(told) == {"error", "given", "expected", "do"}
    assert told["given"] == " ".join([*words, "--json"])
    assert said.startswith(told["error"])


def test_nothing_to_watch_is_a_reason_to_train(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = refused(capsys, "monitor", "-w", folder / "w.yaml")
    assert code == 1
    assert "there is no champion to watch" in text


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--seed", "-1"],
        ["list", "--top", "0"],
        ["list", "--top", "-1"],
        ["serve", "--open", "--port", "70000"],
        ["serve", "--open", "--workers", "0"],
        ["score", "--age", "soon"],
    ],
    ids=" ".join,
)
def test_a_number_out_of_range_is_refused_at_the_door(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, text = refused(capsys, *words, "-w", folder / "w.yaml")
    assert code == 2
    assert text.startswith("Invalid value")
    assert text.endswith(". Run trialwise --help to see what is there.\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["features", "--age", "seven"], ", given 'seven'. Run trialwise"),
        (["list", "--top", "x1"], ", given 'x1'. Run trialwise"),
        (["list", "--top", "0"], ", given '0'. Run trialwise"),
        (["feature"], "Did you mean 'features'? Run trialwise"),
    ],
)
def test_misuse_shows_what_was_given(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    code, text = refused(capsys, *words, "-w", folder / "w.yaml")
    assert code == 2
    assert sentence in text


def test_init_makes_the_folder_and_says_what_the_system_refuses(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trialwise.run(["init", str(folder / "events.csv"), "--out", str(folder / "new" / "w.yaml")]) == 0
    assert "source: ../events.csv" in (folder / "new" / "w.yaml").read_text()
    code, text = refused(capsys, "init", folder / "events.csv", "--out", folder / "events.csv" / "w.yaml")
    assert code == 3
    assert "the system refused" in text


def test_a_home_that_cannot_be_written_is_the_outside(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(folder / "events.csv"))
    code, text = refused(capsys, "load", "-w", folder / "w.yaml")
    assert code == 3
    assert "events.csv" in text
    assert refused(capsys, "keys", "create", "--scope", "score")[0] == 3


def test_interrupted_is_said(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("features.inspecting.checkup.check", interrupted)
    code, text = refused(capsys, "check", "-w", folder / "w.yaml")
    assert code == 130
    assert text.strip() == "interrupted"


def test_errors_are_json_when_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "events.csv").unlink()
    assert trialwise.run(["check", "-w", str(folder / "w.yaml"), "--json"]) == 2
    assert set(json.loads(capsys.readouterr().out)) == {"error", "given", "expected", "do"}


def test_scoring_without_a_model_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = refused(capsys, "score", "-w", folder / "w.yaml", "--age", "3", "--out", folder / "s.csv")
    assert code in {2, 3}
    assert "train" in text


def test_training_without_enough_history_gives_a_scorecard_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = refused(capsys, "train", "-w", folder / "w.yaml")
    assert code == 0
    assert "weak: a scorecard of points by hand, not learnt" in text


def test_a_fault_of_ours_is_a_sentence_too(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.inspecting.checkup.check", lambda *_, **__: {}["nowhere"])
    monkeypatch.delenv("TRIALWISE_DEBUG", raising=False)
    code, text = refused(capsys, "check", "-w", folder / "w.yaml")
    assert code == 3
    assert "KeyError" in text
    monkeypatch.setenv("TRIALWISE_DEBUG", "1")
    with pytest.raises(KeyError):
        trialwise.run(["check", "-w", str(folder / "w.yaml")])


def test_an_engine_that_does_not_exist(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("score", "-w", folder / "w.yaml", "--age", "3", "--out", folder / "s.csv", "--engine")
    code, text = refused(capsys, *arguments, "rocket")
    assert code == 2
    assert "local or spark" in text
    assert refused(capsys, *arguments, "spark")[0] == 2
