"""``trialwise push hubspot`` against a server that follows the recorded shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from urllib3.util import retry

import trialwise
from features.store import EventStore
from features.storing.engine import configured_url
from serving.crm import push
from tests.serving.crm.conftest import LEADS
from tests.serving.crm.fake_crm import TOKEN, FakeCrm


def run(capsys: pytest.CaptureFixture[str], file: Path, *words: str, crm: str = "hubspot") -> tuple[int, Any, str]:
    code = trialwise.run(["push", crm, "-w", str(file), "--json", *words])
    out, said = capsys.readouterr()
    assert "@" not in said, "an address was shown"
    assert "@" not in out, "an address was shown"
    assert TOKEN not in said + out
    return code, json.loads(out), said


@pytest.fixture(autouse=True)
def _contacts(crm: FakeCrm) -> None:
    """Everyone but lead-5 is there; lead-2 under a second address."""
    crm.properties = {"email": "string", "lifecyclestage": "enumeration", "firstname": "string"}
    for i in range(LEADS):
        if i != 5:
            crm.records[f"10{i}"] = {"email": f"lead{i}@acme.test", "lifecyclestage": "opportunity"}
    crm.records["102"] |= {"email": "other@acme.test", "hs_additional_emails": "old@acme.test;lead2@acme.test"}


def test_what_is_missing_is_made_and_what_has_changed_is_written_once(
    file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]
) -> None:
    crm.page = 2  # of properties
    code, told, _ = run(capsys, file, "--batch-size", "2")
    assert code == 0
    assert told["written"] == 5
    assert told["left_out"] == [{"lead_id": "lead-6", "code": "no_contact"}, {"lead_id": "lead-5", "code": "no_record"}]
    names = ["trialwise_probability", "trialwise_grade", "trialwise_stage", "trialwise_reasons", "trialwise_scored_at"]
    assert told["created"] == names
    record = crm.records["104"]
    assert 0 < float(record["trialwise_probability"]) < 1
    assert record["trialwise_stage"] in ("lead", "pql")
    assert len(record["trialwise_reasons"].split("\n")) == 3
    assert record["trialwise_scored_at"] == "2026-05-05T05:00:00.000Z"
    assert crm.records["102"]["trialwise_grade"]
    written = crm.paths("/batch/update")
    assert [len(body["inputs"]) for body in written] == [2, 2, 1]
    assert {name for body in written for one in body["inputs"] for name in one["properties"]} == set(names)
    assert {record["lifecyclestage"] for record in crm.records.values()} == {"opportunity"}

    crm.calls.clear()
    code, told, _ = run(capsys, file)
    assert (code, told["written"], told["unchanged"], told["created"]) == (0, 0, 5, [])
    assert crm.paths("/batch/update") == []  # lead-5 is looked for again, and nobody is written
    assert run(capsys, file, "--all")[1]["written"] == 5


def test_one_that_is_refused_keeps_nobody_else(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    crm.bad_values = {"103"}
    code, told, _ = run(capsys, file)
    assert (code, told["written"]) == (3, 4)
    assert told["failed"] == [{"lead_id": "lead-3", "code": "VALIDATION_ERROR"}]
    crm.bad_values = set()
    code, told, _ = run(capsys, file)
    assert (code, told["written"], told["unchanged"], told["failed"]) == (0, 1, 4, [])


def test_a_part_that_fails(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    crm.records["101"]["gone"] = True  # found a moment ago, and not there any more: 207
    code, told, _ = run(capsys, file)
    assert (code, told["written"], told["failed"]) == (3, 4, [{"lead_id": "lead-1", "code": "OBJECT_NOT_FOUND"}])


def test_a_smaller_account_takes_smaller_batches(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    crm.most = 2
    assert run(capsys, file)[1]["written"] == 5


def test_the_dry_run_sends_nothing_and_needs_no_token(
    file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRIALWISE_HUBSPOT_TOKEN")
    code, told, _ = run(capsys, file, "--dry-run")
    assert code == 0
    assert not crm.calls
    assert [one["lead_id"] for one in told["would_write"]] == [f"lead-{i}" for i in range(6)]
    assert set(told["would_write"][0]["values"]) == {one.name for one in push.hubspot.PROPERTIES}
    code = trialwise.run(["push", "hubspot", "-w", str(file)])
    assert code == 2
    assert "TRIALWISE_HUBSPOT_TOKEN is not set" in capsys.readouterr().err


def test_a_busy_crm_is_waited_for_as_long_as_it_says(
    file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", slept.append)
    crm.troubles = [(429, {"Retry-After": "7"}), (503, {}), (502, {})]
    code, told, _ = run(capsys, file)
    assert (code, told["written"]) == (0, 5)
    assert slept[0] == 7
    crm.troubles = [(429, {})] * 7
    code, told, _ = run(capsys, file, "--all")
    assert code == 3
    assert told["given"] == "status 429"


def test_who_is_cut_off_goes_on_where_it_stopped(
    file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []

    def stop(name: str) -> None:
        passed.append(name)
        if passed.count("push.sent") == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(push, "failpoint", stop)
        assert trialwise.run(["push", "hubspot", "-w", str(file), "--batch-size", "2"]) == 130
    capsys.readouterr()
    crm.calls.clear()
    told = run(capsys, file, "--batch-size", "2")[1]
    assert (told["written"], told["unchanged"], told["failed"]) == (3, 2, [])
    sent = [one["id"] for body in crm.paths("/batch/update") for one in body["inputs"]]
    assert sent == ["102", "103", "104"]


def test_who_pays_by_now_keeps_no_probability(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, file)
    (file.parent / "paid.csv").write_text("lead_id,at\nlead-3,2026-05-05T04:30:00Z\n")
    assert run(capsys, file)[1]["written"] == 1
    record = crm.records["103"]
    assert (record["trialwise_stage"], record["trialwise_probability"], record["trialwise_reasons"]) == ("customer", "", "")
    assert run(capsys, file)[1]["written"] == 0


def test_of_a_forgotten_lead_nothing_more_is_told(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, file)
    assert trialwise.run(["forget", "lead-4"]) == 0
    capsys.readouterr()
    store = EventStore(configured_url())
    with store.reading() as connection:
        kept = {row[1] for row in connection.exec_driver_sql("SELECT * FROM pushed").all()}
    store.close()
    assert "lead-4" not in kept
    assert run(capsys, file, "--all")[1]["written"] == 4


def test_two_leads_with_one_address_are_one_record(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    leads = file.parent / "leads.csv"
    leads.write_text(leads.read_text().replace("Lead0@Acme.test", "LEAD4@acme.test"))
    told = run(capsys, file)[1]
    assert told["written"] == 4
    assert "same_contact" in {one["code"] for one in told["left_out"]}


def test_by_a_property_with_the_id(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    for i in range(LEADS):
        crm.records.setdefault(f"10{i}", {})["our_id"] = f"lead-{i}"
    assert run(capsys, file, "--match", "our_id")[1]["written"] == LEADS
    assert crm.paths("/batch/read")[0]["idProperty"] == "our_id"


@pytest.mark.parametrize(
    ("words", "token", "code", "sentence"),
    [
        (["pipedrive"], TOKEN, 2, "hubspot or salesforce"),
        (["hubspot", "--batch-size", "500"], TOKEN, 2, "1 to 100"),
        (["hubspot", "--object", "deals"], TOKEN, 2, "contacts only"),
        (["hubspot"], "wrong", 3, "refuses the call: given status 401 INVALID_AUTHENTICATION"),
        (["hubspot"], "two words", 2, "the token of HubSpot is not usable"),
    ],
)
def test_refusals(
    words: list[str], token: str, code: int, sentence: str, file: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TRIALWISE_HUBSPOT_TOKEN", token)
    assert trialwise.run(["push", *words, "-w", str(file)]) == code
    said = capsys.readouterr().err
    assert sentence in said
    assert token not in said.replace("wrong with", "")


def test_a_property_of_another_type_stops(file: Path, crm: FakeCrm, capsys: pytest.CaptureFixture[str]) -> None:
    crm.properties["trialwise_probability"] = "string"
    code, told, _ = run(capsys, file)
    assert (code, told["given"], told["expected"]) == (1, "string", "number")


def test_addresses_that_are_no_https(file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HUBSPOT_URL", "http://api.hubapi.com")
    assert run(capsys, file)[1]["expected"] == "https://..."
