"""`features` and `score` over files: who is in, what is written, and that both are what one lead would get."""

from __future__ import annotations

import csv
import json
import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.clock import DAY_US, NEVER, format_us
from features.errors import InputError
from features.listing import catalogue_rows
from features.matrix import compute
from features.tables import read_tables
from features.workspace import load_workspace
from models import registry
from models.artifact import save
from models.batch import parse_reasons, write_features, write_scores
from models.champion import find_champion, need_champion, same_mapping
from models.errors import ModelError
from models.population import Asked, find_population, parse_when
from models.worklist import write_list
from tests.training import trained_home as shared
from tests.training.small_world import FIRST, silent
from training.verbs import run_train

trained_home = shared.trained_home


@pytest.fixture(scope="module")
def home(trained_home: shared.TrainedHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small product with a champion."""
    return trained_home.copy(tmp_path_factory.mktemp("batch")).workspace.parent


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(home / "var"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("age", [0.0, 3.0, 20.0])
def test_everyone_is_in_or_left_out_for_one_reason(home: Path, age: float) -> None:
    """The rule of membership, lead by lead in plain Python."""
    ws = load_workspace(home / "small.yaml")
    tables = read_tables(ws)
    leads, wanted, left = tables.leads, [], dict.fromkeys(("not_started", "not_reached", "converted", "ended", "ignored"), 0)
    for place, started in enumerate(leads.started_at.tolist()):
        as_of = started + round(age * DAY_US)
        if leads.ignored[place]:
            left["ignored"] += 1
        elif as_of > tables.newest:
            left["not_reached"] += 1
        elif leads.converted_at[place] <= as_of:
            left["converted"] += 1
        elif leads.ended_at[place] <= as_of:
            left["ended"] += 1
        else:
            wanted.append((leads.ids[place], as_of))
    found = find_population(ws, Asked(age_days=age))
    assert list(zip(found.ids, found.as_of.tolist(), strict=True)) == wanted
    assert found.left_out == left
    assert wanted == sorted(wanted)


def test_as_of_an_instant(home: Path) -> None:
    ws = load_workspace(home / "small.yaml")
    when = FIRST + timedelta(days=100)
    found = find_population(ws, Asked(as_of=when.isoformat()))
    leads, cut = read_tables(ws).leads, parse_when(when.isoformat(), "--as-of", ws)
    open_then = [
        lead_id
        for place, lead_id in enumerate(leads.ids)
        if leads.started_at[place] <= cut < min(leads.converted_at[place], leads.ended_at[place]) and not leads.ignored[place]
    ]
    assert found.ids == open_then
    assert found.left_out["not_started"] == int((leads.started_at > cut).sum())
    assert sum(found.left_out.values()) + len(open_then) == len(leads.ids)


@pytest.mark.parametrize(
    ("text", "do"), [("2026-05-07T09:00:00", "add the zone"), ("2026-13-01", "write it so"), ("yesterday", "write it so")]
)
def test_a_time_that_cannot_be_read_says_what_to_do(home: Path, text: str, do: str) -> None:
    with pytest.raises(InputError, match=f"; {do}"):
        parse_when(text, "--as-of", load_workspace(home / "small.yaml"))


def test_an_unknown_language_is_refused_before_the_work(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no words for this language"):
        write_scores(home / "small.yaml", tmp_path / "s.csv", asked=Asked(), reasons="0", lang="fr", say=silent)
    assert not (tmp_path / "s.csv").exists()


def test_leads_that_start_by_an_event_are_not_counted_before(home: Path) -> None:
    text = (home / "small.yaml").read_text()
    changed = home / "by_event.yaml"
    changed.write_text(text.replace(", started_at: started_at, ended_at: ended_at", ", start: login"))
    found = find_population(load_workspace(changed), Asked(as_of="2025-04-01"))
    assert found.left_out["not_started"] == 0
    assert found.ids == sorted(found.ids)
    assert found.rows([2, 0]).ids == [found.ids[2], found.ids[0]]


def test_by_default_nothing_is_seen_that_is_known_later_than_now(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = load_workspace(home / "small.yaml")
    when = (FIRST + timedelta(days=100)).isoformat()
    monkeypatch.setattr("features.reading.as_of_now.now_us", lambda: parse_when(when, "--as-of", ws))
    now, stated = find_population(ws, Asked()), find_population(ws, Asked(as_of=when))
    assert (now.at, now.ids, now.left_out) == (stated.at, stated.ids, stated.left_out)


def test_a_payment_of_the_day_closes_a_lead_at_an_age_and_is_not_known_as_of_then(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("id,at\na,2026-04-01\nb,2026-04-01\n")
    (tmp_path / "paid.csv").write_text("id,at\na,2026-04-08\nb,2026-04-20\n")
    text = "name: days\nresolution: {conversions: day}\ndata:\n  leads: {source: leads.csv, id: id, started_at: at}\n"
    (tmp_path / "days.yaml").write_text(text + "  conversions: {source: paid.csv, lead: id, at: at}\n")
    ws = load_workspace(tmp_path / "days.yaml")
    assert find_population(ws, Asked(age_days=7.5)).ids == ["b"]
    assert find_population(ws, Asked(as_of="2026-04-08T12:00:00Z")).ids == ["a", "b"]
    assert find_population(ws, Asked(as_of="2026-04-09")).ids == ["b"]


def test_by_default_it_is_the_newest_time_of_the_data(home: Path) -> None:
    ws = load_workspace(home / "small.yaml")
    assert find_population(ws, Asked()).at == read_tables(ws).newest


def test_the_window_of_starts_is_half_open_and_not_counted(home: Path) -> None:
    ws = load_workspace(home / "small.yaml")
    leads = read_tables(ws).leads
    first, last = np.sort(leads.started_at)[[100, 200]].tolist()
    found = find_population(ws, Asked(0.0, None, format_us(first), format_us(last)))
    started = leads.started_at[found.lead]
    assert started.min() == first or leads.ignored[leads.started_at == first].all()
    assert started.max() < last
    assert len(found.lead) + sum(found.left_out.values()) == 100


def test_features_are_the_matrix_in_full(home: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "f.csv", []
    counts = write_features(home / "small.yaml", out, asked=Asked(3.0), say=said.append)
    rows = rows_of(out)
    champion = need_champion("small")
    features = champion.scorer.feature_set
    assert list(rows[0]) == ["lead_id", "as_of", *features.names]
    assert "version 1 of small" in said[0]
    assert counts["rows"] == len(rows)
    assert counts["fingerprint"] == champion.scorer.definition.fingerprint
    ws = load_workspace(home / "small.yaml")
    who = find_population(ws, Asked(age_days=3.0))
    matrix = compute(features, who.tables, who.lead, who.as_of)
    for place, row in enumerate(rows):
        assert row["as_of"] == format_us(int(who.as_of[place]))
        for name, value in matrix.row(place).items():
            assert (row[name] == "") if value is None else (row[name] == value or float(row[name]) == value)
    write_features(home / "small.yaml", tmp_path / "f.parquet", asked=Asked(3.0), say=silent)
    frame = pd.read_parquet(tmp_path / "f.parquet")
    assert frame["lead_id"].tolist() == [row["lead_id"] for row in rows]
    assert frame["core_use_count_all"].tolist() == [float(row["core_use_count_all"]) for row in rows]


def test_features_without_a_fitting_champion_learn_their_vocabularies(home: Path, tmp_path: Path) -> None:
    changed = home / "changed.yaml"
    changed.write_text((home / "small.yaml").read_text() + "sessions: {gap_minutes: 45}\n")
    said: list[str] = []
    counts = write_features(changed, tmp_path / "f.csv", asked=Asked(3.0), say=said.append)
    assert "learnt from the data" in said[0]
    assert counts["fingerprint"] != need_champion("small").scorer.definition.fingerprint
    assert not same_mapping(load_workspace(changed), need_champion("small").scorer.definition)


def test_scores_in_three_forms(home: Path, tmp_path: Path) -> None:
    written = {}
    for ending in ("csv", "jsonl", "parquet"):
        out = tmp_path / f"s.{ending}"
        written[ending] = write_scores(home / "small.yaml", out, asked=Asked(3.0), reasons="2", lang=None, say=silent)
    assert written["csv"] == written["jsonl"] == written["parquet"]
    assert set(written["csv"]) == {"scored", "left_out"}
    rows = rows_of(tmp_path / "s.csv")
    assert list(rows[0]) == ["lead_id", "as_of", "probability", "grade", "stage", "email", "reason_1", "reason_2"]
    records = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    frame = pd.read_parquet(tmp_path / "s.parquet")
    assert len(rows) == len(records) == len(frame) == written["csv"]["scored"]
    for row, record, probability in zip(rows, records, frame["probability"].tolist(), strict=True):
        assert row["lead_id"] == record["lead_id"]
        assert float(row["probability"]) == record["probability"] == probability
        assert row["email"].startswith(row["lead_id"])
        assert [row["reason_1"], row["reason_2"]] == [reason["text"] for reason in record["reasons"]]
        total = record["base"] + sum(reason["points"] for reason in record["reasons"]) + record["rest"]["points"]
        assert math.isclose(total, record["probability"], abs_tol=1e-9)
        assert record["model"] == {
            "name": "small", "version": "1", "fingerprint": need_champion_fingerprint(),
        }  # fmt: skip


def need_champion_fingerprint() -> str:
    """Return the champion's fingerprint, read once."""
    if "fingerprint" not in _MEMORY:
        _MEMORY["fingerprint"] = need_champion("small").scorer.definition.fingerprint
    return _MEMORY["fingerprint"]


_MEMORY: dict[str, str] = {}


def test_all_reasons_leave_no_rest(home: Path, tmp_path: Path) -> None:
    write_scores(home / "small.yaml", tmp_path / "s.jsonl", asked=Asked(7.0), reasons="all", lang="en", say=silent)
    for line in (tmp_path / "s.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert record["rest"] == {"points": 0, "log_odds": 0}
    write_scores(home / "small.yaml", tmp_path / "s.csv", asked=Asked(7.0), reasons="all", lang="en", say=silent)
    players = need_champion("small").scorer.feature_set.players
    assert f"reason_{len(players)}" in rows_of(tmp_path / "s.csv")[0]


def test_a_file_that_moved_on_is_warned_about(home: Path, tmp_path: Path) -> None:
    changed = home / "moved.yaml"
    changed.write_text((home / "small.yaml").read_text() + "sessions: {gap_minutes: 45}\n")
    said: list[str] = []
    write_scores(changed, tmp_path / "s.jsonl", asked=Asked(3.0), reasons="0", lang=None, say=said.append)
    assert any("differs" in line for line in said)
    record = json.loads((tmp_path / "s.jsonl").read_text().splitlines()[0])
    assert [warning["code"] for warning in record["warnings"]] == ["workspace_differs"]


def test_past_the_trial_a_lead_stays_and_is_warned(home: Path, tmp_path: Path) -> None:
    write_scores(home / "small.yaml", tmp_path / "s.jsonl", asked=Asked(20.0), reasons="0", lang=None, say=silent)
    records = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert records
    for record in records:
        assert record["stage"] == "expired"
        assert {"past_trial", "beyond_trained_age"} <= {warning["code"] for warning in record["warnings"]}


def test_the_catalogue_in_plain_words(home: Path) -> None:
    rows = catalogue_rows(home / "small.yaml")
    assert [row["name"] for row in rows] == list(need_champion("small").scorer.feature_set.names)
    assert all(row["meaning"] and row["player"] for row in rows)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (Asked(3.0, "2025-03-01"), "exclude"),
        (Asked(-1.0), "no age"),
        (Asked(as_of="soon"), "'soon'"),
        (Asked(started_from="2025-03-01T00:00:00"), "zone"),
    ],
)
def test_misuse_is_refused(home: Path, asked: Asked, word: str) -> None:
    with pytest.raises(InputError, match=word):
        find_population(load_workspace(home / "small.yaml"), asked)


def test_reasons_are_a_number_or_all() -> None:
    assert parse_reasons("all") is None
    with pytest.raises(InputError, match="'-1'"):
        parse_reasons("-1")


def test_without_a_champion_there_is_nothing_to_score_with(home: Path, tmp_path: Path) -> None:
    other = home / "other.yaml"
    other.write_text((home / "small.yaml").read_text().replace("name: small", "name: other"))
    with pytest.raises(InputError, match="trialwise train"):
        write_scores(other, tmp_path / "s.csv", asked=Asked(), reasons="0", lang=None, say=silent)
    assert find_champion("other") is None


def test_a_folder_of_another_digest_is_no_champion(home: Path, tmp_path: Path) -> None:
    champion = need_champion("small")
    save(champion.scorer, tmp_path / "model")
    ref = registry.register(
        "swapped",
        tmp_path / "model",
        digest="0" * 64,
        inputs={"a": "double"},
        example=pd.DataFrame({"a": [1.0]}),
        record=registry.TrainingRecord(),
    )
    registry.promote(ref, reason="a test")
    with pytest.raises(InputError, match="not the model"):
        find_champion("swapped")


def test_undated_tables_have_no_instant(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("lead_id,size,paid\nb,3,1\na,,0\n")
    workspace = tmp_path / "undated.yaml"
    workspace.write_text("name: undated\ndata: {leads: {source: leads.csv, converted: paid}}\nattributes: {size: number}\n")
    write_features(workspace, tmp_path / "f.csv", asked=Asked(), say=silent)
    assert (tmp_path / "f.csv").read_text() == "lead_id,as_of,size\na,,\nb,,3.0\n"
    for asked in (Asked(3.0), Asked(as_of="2025-01-01"), Asked(started_before="2025-01-01")):
        with pytest.raises(InputError, match="needs dates"):
            write_features(workspace, tmp_path / "f.csv", asked=asked, say=silent)


def test_the_list_of_an_undated_table_leaves_out_who_has_paid(tmp_path: Path) -> None:
    rows = [f"lead-{i:03d},{i % 10},{int(i % 10 > 6)}" for i in range(300)]
    (tmp_path / "leads.csv").write_text("\n".join(["lead_id,size,paid", *rows]))
    workspace = tmp_path / "undated.yaml"
    text = "name: listed\ndata: {leads: {source: leads.csv, converted: paid}}\nattributes: {size: number}\n"
    workspace.write_text(text + "allow: [size]\n")  # it tells who pays without a doubt
    run_train(workspace, trials=0, promote="force", say=silent)
    assert write_scores(workspace, tmp_path / "s.csv", asked=Asked(), reasons="0", lang=None, say=silent)["scored"] == 300
    assert [*write_list(workspace, top=1000, out=tmp_path / "l.csv", lang=None, say=silent)] == []
    assert len(rows_of(tmp_path / "l.csv")) == 210


def test_a_lead_without_events_has_features_too(home: Path) -> None:
    ws = load_workspace(home / "small.yaml")
    tables = read_tables(ws)
    assert (tables.leads.started_at < NEVER).all()
    who = find_population(ws, Asked(age_days=0.0))
    matrix = compute(need_champion("small").scorer.feature_set, tables, who.lead, who.as_of)
    assert (matrix.column("any_count_all") == 0).any()
