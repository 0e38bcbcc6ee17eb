"""The catalogue as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.catalog import feature_set
from features.listing import catalogue_lines, catalogue_rows
from features.workspace import parse_workspace
from tests.features.acme import ACME


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    path = tmp_path_factory.mktemp("workspace") / "acme.yaml"
    path.write_text(
        ACME.replace('secret: "${HOOK_SECRET}", ', "").replace("phrases: {", "phrases: {sales: {en: met us, tr: x}, ")
    )
    return catalogue_rows(path)


def test_every_feature_is_listed_with_all_that_is_to_be_known(rows: list[dict]) -> None:
    definition = parse_workspace(ACME, Path(), environment={"HOOK_SECRET": "s"}).definition()
    assert [row["name"] for row in rows] == list(feature_set(definition).names)
    keys = ["name", "meaning", "player", "family", "kind", "unit", "window", "events", "lower", "upper", "missing", "over"]
    assert all(list(row) == keys for row in rows)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    by_name = {row["name"]: row for row in rows}
    assert by_name["exports_7d"]["player"] == "core_use"
    assert by_name["account_core_use_people_7d"] == {
        "name": "account_core_use_people_7d",
        "meaning": "Colleagues in the same account who used a feature of the product in the last 7 days",
        "player": "account",
        "family": "account_people",
        "kind": "number",
        "unit": "people",
        "window": "7d",
        "events": [{"event": "feature_*", "where": {}}],
        "lower": 0.0,
        "upper": 200.0,
        "missing": "without an account",
        "over": "mates",
    }
    assert by_name["sales_count_all"]["meaning"] == "Met us so far (times)"
    assert by_name["exports_7d"]["meaning"] == "Exported in the last 7 days (times)"
    assert (by_name["country"]["lower"], by_name["country"]["upper"]) == (None, None)
    assert by_name["core_use_names_unused_7d"]["upper"] == 200.0


def test_events_come_with_what_is_asked_of_their_properties(rows: list[dict]) -> None:
    events = {row["name"]: row["events"] for row in rows}
    assert events["any_count_all"] == [{"event": "*", "where": {}}]
    assert events["exports_7d"] == [{"event": "feature_export", "where": {}}]
    good = [{"event": "nps_answered", "where": {"score": {"ge": 9}}}, {"event": "thumbs_up", "where": {}}]
    assert events["positive_feedback_count_all"] == good
    assert events["profile_filled"] == events["trial_age_d"] == events["country"] == []


def test_the_table_has_a_line_a_feature(rows: list[dict]) -> None:
    heading, *lines = catalogue_lines(rows)
    assert heading.split() == ["FEATURE", "PLAYER", "FAMILY", "WINDOW", "VALUES", "MEANING"]
    assert len(lines) == len(rows)
    start = heading.index("MEANING")
    for line, row in zip(lines, rows, strict=True):
        assert line.startswith(row["name"])
        assert line[start:].startswith(row["meaning"])
    shown = {line.split()[0]: line for line in lines}
    assert shown["any_count_1d"].split()[3:7] == ["1d", "0", "or", "more"]
    assert "0 or 1 " in shown["milestone_reached_5"]
    assert shown["any_recency_h"].endswith("(missing while there is no such event)")
    assert "0 or more seconds" in shown["session_duration_sum_s_all"]
    assert "any number" in shown["company_size"]
    assert " a text " in shown["country"]
    assert shown["trial_age_d"].endswith("Days since the trial began")
