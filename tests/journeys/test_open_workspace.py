"""Python's front door, as notebooks use it, and the list of the command line: the same numbers as files and HTTP."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.clock import DAY_US, format_us
from features.errors import InputError
from models.opened import OpenWorkspace
from models.opened_changes import Between, fetch_version
from tests.journeys.conftest import Trained
from trialwise import open_workspace


@pytest.fixture(scope="module")
def ws(trained: Trained) -> OpenWorkspace:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIALWISE_HOME", str(trained.home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return open_workspace(trained.workspace)


def test_scores_equal_the_command_lines(ws: OpenWorkspace, trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    trained.run("score", "-w", trained.workspace, "--out", out)
    with out.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    scores = ws.scores()
    assert scores["lead_id"].tolist() == [row["lead_id"] for row in rows]
    assert scores["probability"].tolist() == [float(row["probability"]) for row in rows]
    assert scores["email"].tolist() == [row["email"] for row in rows]


def test_features_are_the_catalogue(ws: OpenWorkspace) -> None:
    frame = ws.features()
    assert frame.columns.tolist() == ["lead_id", "as_of", *ws.champion.scorer.feature_set.names]
    assert len(frame) == len(ws.scores())


def test_the_list_is_best_first_and_says_why(ws: OpenWorkspace, trained: Trained) -> None:
    best = ws.list(5)
    assert best["probability"].is_monotonic_decreasing
    assert best["probability"].iloc[0] == ws.scores()["probability"].max()
    assert best["reason_1"].str.len().min() > 5
    lines = trained.run("list", "-w", trained.workspace, "--top", 5).stdout.splitlines()
    assert [line.split()[4] for line in lines] == best["lead_id"].tolist()


def test_the_list_as_a_file(trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    trained.run("list", "-w", trained.workspace, "--top", 7, "--out", out)
    with out.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == 7
    assert list(rows[0]) == [
        "lead_id",
        "probability",
        "grade",
        "stage",
        "email",
        "name",
        "company",
        "reason_1",
        "reason_2",
        "reason_3",
        "change",
        "next_step",
        "language",
    ]


def test_a_leads_points_add_up(ws: OpenWorkspace) -> None:
    lead = ws.list(1)["lead_id"].iloc[0]
    reasons = ws.lead(lead)
    assert reasons.attrs["base"] + reasons["points"].sum() == pytest.approx(reasons.attrs["probability"], abs=1e-9)
    parts = reasons.attrs["fit"] + reasons.attrs["behaviour"]
    assert reasons.attrs["base"] + parts == pytest.approx(reasons.attrs["probability"], abs=1e-9)
    fit = reasons.loc[reasons["player"].isin(["country", "company_size", "channel"]), "points"].sum()
    assert reasons.attrs["fit"] == pytest.approx(fit, abs=1e-9)
    assert reasons["points"].abs().iloc[0] == reasons["points"].abs().max()


def test_importance_by_behaviour_and_by_feature(ws: OpenWorkspace) -> None:
    behaviours, features = ws.importance(), ws.importance(by="feature")
    assert behaviours["mean_points"].is_monotonic_decreasing
    assert features["mean_log_odds"].is_monotonic_decreasing
    assert set(features["name"]) == set(ws.champion.scorer.names)
    with pytest.raises(InputError, match="behaviour or feature"):
        ws.importance(by="column")


def test_quality_and_calibration_are_out_of_time(ws: OpenWorkspace) -> None:
    quality = ws.quality()
    first = quality[quality["age"] == "all ages"].set_index("figure")
    assert set(first.index) == {"auc", "pr_auc", "log_loss", "brier", "ece", "lift_10"}
    assert first.loc["auc", "low"] <= first.loc["auc", "value"] <= first.loc["auc", "high"]
    groups = ws.calibration()
    assert len(groups) == 10
    assert groups["promised"].is_monotonic_increasing
    assert np.average(groups["promised"] - groups["happened"], weights=groups["n"]) == pytest.approx(0, abs=0.06)
    assert "publish" in ws.about().loc["verdict"].iloc[0]


def test_an_unknown_lead_is_refused(ws: OpenWorkspace) -> None:
    with pytest.raises(InputError, match="no such open lead"):
        ws.lead("nobody")


def test_why_a_lead_changed_adds_up(ws: OpenWorkspace) -> None:
    leads = ws.leads.tables.leads
    old = next(one for one in ws.list(50)["lead_id"] if ws.leads.at - leads.started_at[leads.ids.index(one)] > 5 * DAY_US)
    table = ws.changes(old, format_us(ws.leads.at - 3 * DAY_US))
    parts = table.groupby("part")["points"].sum()
    apart = table.attrs["now"] - table.attrs["then"]
    assert abs(parts["all"] - apart) < 1e-9
    assert abs(parts.drop("all").sum() - apart) < 1e-9
    assert "model" not in parts
    assert ws.changes(old, format_us(ws.leads.at), ws.champion.ref.version).empty
    for lead_id, since, version in (
        ("nobody", format_us(ws.leads.at), None),
        (old, "2020-01-01", None),
        (old, format_us(ws.leads.at + DAY_US), None),
        (old, format_us(ws.leads.at), "99"),
    ):
        with pytest.raises(InputError):
            ws.changes(lead_id, since, version)


def test_two_versions_differ_by_the_model_too(ws: OpenWorkspace, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(trained.home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    new = fetch_version(ws.workspace.name, ws.champion.ref.version)
    old = replace(new, calibrator=new.calibrator.shifted(0.3))
    record = Between.of(ws.workspace, new, ws.leads, format_us(ws.leads.at), old).record(ws.list(1)["lead_id"].iloc[0])
    points = {name: part["points"] for name, part in record["parts"].items()}
    assert abs(sum(points.values()) - (record["now"] - record["then"])) < 1e-9
    assert points["model"] < 0
    assert (points["behaviour"], points["time"]) == (0, 0)
