"""The workspace file: the whole schema is read, and every mistake is a sentence with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from features.errors import InputError
from features.workspace import Workspace, load_workspace, parse_workspace
from tests.features.acme import ACME

BASE = """\
name: acme
data:
  leads: {source: l.csv, started_at: s}
  events: {source: e.csv}
"""


def read(text: str, **environment: str) -> Workspace:
    return parse_workspace(text, "/data", filename="acme.yaml", environment=environment)


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(text)
    return str(caught.value)


def test_the_schema_of_the_design_page() -> None:
    ws = read(ACME, HOOK_SECRET="s3cret")
    assert ws.folder == Path("/data")
    assert ws.name == "acme"
    assert ws.data.leads is not None
    assert ws.data.leads.where == {"module": {"eq": "BBB"}}
    assert ws.data.events is not None
    assert ws.data.events.properties == ("duration_s", "amount", "score")
    assert len(ws.behaviours) == 16
    assert ws.behaviours["positive_feedback"].events[0].where == {"score": {"ge": 9}}
    assert ws.features["exports_7d"].window == "7d"
    assert ws.snapshots.ages_days == (1, 3, 7, 14)
    assert ws.attributes == {"country": "category", "company_size": "number", "channel": "category"}
    assert ws.ignore == {"email": ("*@acme.com",)}
    assert ws.contact["name"] == "full_name"
    assert ws.capacity.contacts_per_week == 50
    assert ws.ideal_customer == {"company_size": {"ge": 10}, "country": {"eq": "NO"}}
    assert ws.plays["show_around"].suits == {"country": {"in": ("DE", "NO")}}
    assert ws.webhooks["crm"].secret == "s3cret"
    assert ws.webhooks["crm"].on == ("stage", "grade")
    assert ws.hold_out == 0.05
    assert not ws.undated
    assert "s3cret" not in repr(ws)


def test_everything_but_name_and_data_has_a_default() -> None:
    ws = read(BASE)
    assert ws.snapshots.ages_days == (1, 2, 3, 4, 6, 8, 11, 14)
    assert (ws.label.horizon_days, ws.label.gap_hours, ws.sessions.gap_minutes, ws.hold_out) == (30, 0, 30, 0)
    assert ws.capacity.contacts_per_week == 50
    assert ws.behaviours == {}


def test_a_section_that_is_only_comments_stands_for_its_default() -> None:
    assert read(BASE + "behaviours:\n  # none yet\nexclude:\ntrial:\n") == read(BASE)


def test_ages_follow_the_trial_and_the_resolution() -> None:
    assert read(BASE + "trial: {days: 3}\nresolution: {events: day}").snapshots.ages_days == (1, 2, 3)
    assert read(BASE + "trial: {days: none}\nsnapshots: {}").snapshots.ages_days[-1] == 60


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ("behaviors: {}", "acme.yaml line 5: given unknown key 'behaviors'; expected one of version, name, "),
        ("behaviors: {}", "; did you mean 'behaviours'?"),
        ("folder: /x", "unknown key 'folder'"),
        ("behaviours:\n  session: {events: [a]}\n  purchase_intnt: {events: [a]}", "acme.yaml line 7: given unknown behaviour"),
        ("behaviours:\n  purchase_intnt: {events: [a]}", "did you mean 'purchase_intent'?"),
        ("behaviours:\n  zzz: {events: [a]}", '; add phrase: "..." to make it one of your own.'),
        ("behaviours:\n  any: {events: [a], phrase: x}", "given behaviour 'any'; expected a name that Trialwise does not use"),
        ("behaviours:\n  Big One: {events: [a], phrase: x}", "given the name 'Big One'; expected small letters"),
        ("behaviours:\n  session:\n    events:\n      - a\n      - 5", "acme.yaml line 9: given behaviours.session.events.1: 5"),
        ("behaviours: [a]", "acme.yaml line 5: given behaviours; expected a mapping of names to values; correct the value."),
        ("trial: {days: abc}", "acme.yaml line 5: given trial.days: abc; expected a number of days, or none; correct the value."),
        ("trial: {days: None}", "given trial.days: None; expected a number of days, or none; write days: none."),
        ("trial: {days: 0}", "given trial.days: 0; expected at least one hour (0.0417 days), or none for a trial without an end"),
        ("trial: {days: 5000}", "expected a number at most 3650"),
        ("trial: {days: true}", "given trial.days: true; expected"),
        ("trial: {days: [3]}", "given trial.days; expected a number"),
        (
            'ignore: ["*@acme.com"]',
            'line 5: given ignore; expected a mapping of columns of the leads to patterns, such as {email: ["*@acme.com"]}',
        ),
        ("ignore: acme", "given ignore: acme; expected a mapping of columns"),
        ("trial: 14", "given trial: 14; expected a mapping"),
        ("trial: {inactive_days: 3}", "expected inactive_days only with days: none"),
        ("hold_out: 1", "given hold_out: 1; expected a number below 1; correct the number."),
        ("hold_out: -0.1", "expected a number at least 0"),
        ("hold_out: 1e999", "expected a finite number"),
        ("label: {horizon_days: 0}", "expected a number above 0"),
        ("capacity: {contact_cost: 3}", "expected contacts_per_week alone, or contact_cost with conversion_value"),
        ("timezone: Europe/Istambul", "did you mean 'Europe/Istanbul'?"),
        ("timezone: Mars", "write such a name."),
        ("language: fr", "expected one of 'en', 'tr' or 'de'; choose one of them."),
        ("version: 2", "acme.yaml line 5: given version: 2; expected one of 1"),
        ("attributes:\n  a: text", "acme.yaml line 6: given attributes.a: text; expected one of 'category' or 'number'"),
        ("attributes: {as_of: number}", "given attribute 'as_of'"),
        ("attributes: {x: number}\nfeatures: {x: {count: any}}", "given attribute 'x'; expected a name that no other column has"),
        ("attributes: {mail: category}\ncontact: {email: mail}", "acme.yaml line 6: given column 'mail' as both"),
        ("contact: {mail: x}", "expected one of 'email', 'name', 'company' or 'owner'"),
        ("ideal_customer: {country: NO}", "given unknown attribute 'country'; expected none, since none is declared"),
        ("stages: {mql: [marketting]}", "did you mean 'marketing'?"),
        ("plays:\n  call: {moves: [sales, purchases]}", "acme.yaml line 6: given unknown behaviour 'purchases'"),
        (
            "behaviours: {sales: {events: [b]}}\nfeatures: {x: {count: [a, b]}}",
            "given a list in which 'a' is not covered by the events of",
        ),
        (
            "features:\n  lead_id: {count: any}",
            "line 6: given feature 'lead_id'; expected a name that no other column has; rename it.",
        ),
        ("features: {as_of: {count: any}}", "given feature 'as_of'; expected a name that no other column has"),
        (
            "features: {x: {count: any, window: 7}}",
            "given features.x.window: 7; expected a window such as 7d, 12h or all; write 7d.",
        ),
        ("features: {x: {trend: any}}", "acme.yaml line 5: feature 'x' cannot be computed: given trend over all time"),
        ("attributes:\n  any_count_7d: number", "acme.yaml line 6: 'any_count_7d' is a built-in column"),
        ("features: {x: {account_count: any}}", "line 5: given account_count in feature 'x', but no accounts"),
        ("features: {x: {count: support}}", "unknown behaviour 'support'"),
        ("features: {x: {any_sessions: any}}\nresolution: {events: day}", "since resolution: {events: day} knows only days"),
        ("features: {x: {account_night_share: any}}\nresolution: {events: day}", "given account_night_share in feature 'x'"),
        ("snapshots: {ages_days: []}", "at least one entry"),
        ("exclude: {a: b}", "expected a text"),
        ("webhooks: {crm: {url: ftp://x}}", "acme.yaml line 5: given webhooks.crm.url: ftp://x"),
        ("exclude: ['']", "expected a text that is not empty"),
    ],
)
def test_mistakes_name_line_and_remedy(extra: str, sentence: str) -> None:
    assert sentence in refusal(BASE + extra)


def test_the_first_mistake_in_the_file_is_told() -> None:
    assert "line 5" in refusal(BASE + "trial: {days: x}\nlanguage: fr")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "acme.yaml: given an empty file; expected a workspace: at least name and data; write one with trialwise init."),
        ("- a", "acme.yaml: given a file that is not a mapping"),
        ("data: {leads: {source: x, converted: y}}", "given no 'name'; expected it, since it has no default; add it."),
        ("name: a\ndata:\n  events: {name: x}", "acme.yaml line 3: given no 'source' in 'data.events'"),
        ("name: a b\ndata: {events: {source: x}}", "acme.yaml line 1: given name: a b; expected letters, digits, - _ and . only"),
        ("name: a\ndata: {}", "acme.yaml line 2: given data; expected a table of leads, of events, or both"),
        ("name:\ndata: {events: {source: x}}", "given no 'name'"),
    ],
)
def test_files_that_are_no_workspace(text: str, sentence: str) -> None:
    assert sentence in refusal(text)


def test_a_variable_is_never_shown() -> None:
    with pytest.raises(InputError) as caught:
        read(BASE + "language: ${SECRET}", SECRET="hunter2")
    assert "given language: ${SECRET};" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@h/db",
        "postgresql://u:hunter2${A}@h/db",
        "postgresql://:hunter2@h/db",
        "snowflake://u@h/db?password=hunter2",
        "x://h/db?a=1&token=hunter2",
    ],
)
def test_a_written_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError) as caught:
        read(f"name: a\ndata:\n  events: {{source: {{url: '{url}', query: q}}}}", A="x")
    text = str(caught.value)
    assert text.startswith("acme.yaml line 3: given a password written into 'url'; expected only ${NAME} there")
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "url", ["postgresql://u:${A}@h/db", "${A}", "sqlite:///x.db", "pg://u@h/db?password=${A}", "pg://h:5432/db"]
)
def test_passwords_of_the_environment_are_welcome(url: str) -> None:
    assert read(f"name: a\ndata:\n  events: {{source: {{url: '{url}', query: q}}}}", A="hunter2").data.events is not None


def test_a_secret_is_never_written() -> None:
    assert "a password written into 'secret'" in refusal(BASE + "webhooks: {crm: {url: 'https://x', secret: abc}}")


def test_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s")
    monkeypatch.chdir(tmp_path)
    Path("acme.yaml").write_text("\ufeff" + ACME, encoding="utf-8")
    assert load_workspace("acme.yaml").folder == tmp_path


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_load_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "acme.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="no such file" if content is None else "a file that is not UTF-8"):
        load_workspace(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        load_workspace(tmp_path)


def test_own_behaviours_need_a_phrase() -> None:
    ws = read(
        BASE + "behaviours: {gaming: {events: [played], phrase: {en: Played, tr: Oynadı}}, radio: {events: [r], phrase: Radio}}"
    )
    assert ws.behaviours["gaming"].phrase == {"en": "Played", "tr": "Oynadı"}
    assert ws.definition().behaviours["radio"].phrase is None


def test_a_workspace_is_frozen() -> None:
    ws: Any = read(BASE)
    with pytest.raises(ValueError):
        ws.name = "other"


def test_a_mistake_in_one_section_hides_none_in_another() -> None:
    assert "line 5" in refusal(BASE + "behaviours: {session: {events: [5]}}\nfeatures: {x: {count: session}}")
    with pytest.raises(ValueError):
        Workspace.model_validate([])
