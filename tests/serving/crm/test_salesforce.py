"""``trialwise push salesforce`` against a server that follows the recorded shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

import trialwise
from serving.crm.salesforce import _in_pieces, _quoted
from tests.serving.crm.conftest import LEADS
from tests.serving.crm.fake_crm import FakeCrm
from tests.serving.crm.test_hubspot import run


@pytest.fixture(autouse=True)
def _leads(crm: FakeCrm) -> None:
    crm.properties = {"Email": "email", "Status": "picklist"}
    for i in range(LEADS):
        if i != 5:
            crm.records[f"00Q{i}"] = {"Email": f"lead{i}@acme.test", "Status": "Working"}


def test_fields_are_made_and_records_written_once(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    crm.page = 2
    code, told, _ = run(capsys, file, "--batch-size", "3", crm="salesforce")
    assert (code, told["written"]) == (0, 5)
    assert [one["code"] for one in told["left_out"]] == ["no_contact", "no_record"]
    assert told["created"][0] == "trialwise_probability__c"
    record = crm.records["00Q4"]
    assert 0 < record["trialwise_probability__c"] < 1  # a number, not a text
    assert record["trialwise_scored_at__c"] == "2026-05-05T05:00:00.000Z"
    assert {one["Status"] for one in crm.records.values()} == {"Working"}
    assert {name for one in crm.records.values() for name in one} <= {"Email", "Status", *told["created"]}
    assert [len(body["records"]) for body in crm.paths("/composite/sobjects")] == [3, 2]
    code, told, _ = run(capsys, file, crm="salesforce")
    assert (code, told["written"], told["unchanged"]) == (0, 0, 5)


def test_an_item_that_fails_is_told_by_its_lead(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    crm.bad_values = {"00Q3"}
    code, told, _ = run(capsys, file, crm="salesforce")
    assert (code, told["written"]) == (3, 4)
    assert told["failed"] == [{"lead_id": "lead-3", "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}]


def test_two_records_with_one_address_are_not_guessed_between(
    file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]
) -> None:
    crm.records["00Qx"] = {"Email": "LEAD1@acme.test"}
    code, told, _ = run(capsys, file, crm="salesforce")
    assert (code, told["written"]) == (0, 4)
    assert {"lead_id": "lead-1", "code": "several_records"} in told["left_out"]


def test_a_field_that_cannot_be_seen_is_said(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    crm.hidden = True
    for _ in range(2):  # made the first time, there and still hidden the second
        code, told, _ = run(capsys, file, crm="salesforce")
        assert code == 1
        assert "field-level security" in told["expected"]
    assert crm.paths("/composite/sobjects") == []


def test_names_are_checked_before_anything_is_sent(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    assert trialwise.run(["push", "salesforce", "-w", str(file), "--object", "Lead WHERE"]) == 2
    assert "no name in Salesforce" in capsys.readouterr().err
    assert [path for _, path, _ in crm.calls if "oauth2" not in path] == []


def test_queries_are_quoted_and_short() -> None:
    assert _quoted("a' OR Name != '\n") == r"'a\' OR Name != \'\n'"
    pieces = list(_in_pieces([_quoted(f"{'x' * 90}{i}@acme.test") for i in range(200)]))
    assert sum(len(piece) for piece in pieces) == 200
    assert all(len(",".join(piece)) < 7000 for piece in pieces)
    assert len(pieces) > 1
