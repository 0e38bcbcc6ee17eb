"""``trialwise init`` writes a workspace that can be read back, from whatever it is shown."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from features.errors import InputError
from features.inspecting.proposal import propose
from features.tables import read_tables
from features.workspace import Workspace, parse_workspace

LEADS = """\
user_id,created_at,org_id,country,size,plan_status,email,full_name,notes
a,2026-01-01 10:00:00,1,NO,10,hot,a@x.com,Ann A,
b,2026-01-02 11:00:00,1,Select,20,cold,b@x.com,Bob B,
c,2026-01-03 12:30:00,2,SE,,cold,c@x.com,Cem C,
"""
EVENTS = """\
id,user_id,event,timestamp,duration_s,amount,url
1,a,Signed Up,2026-01-01T10:00:00Z,,,x
2,a,App Opened,2026-01-01T10:01:00Z,30,,x
3,a,feature.export,2026-01-01T10:02:00Z,,,y
4,b,feature.import,2026-01-02T12:00:00Z,,,y
5,b,feature.share,2026-01-02T12:30:00Z,,,y
6,b,Addon Bought,2026-01-02T12:31:00Z,,9.5,y
7,c,Zzz,2026-01-03T13:00:00Z,,,z
8,c,Zzz,2026-01-03T13:01:00Z,,,z
9,c,Ticket Created,2026-01-03T13:02:00Z,,,z
10,c,Subscription Started,2026-01-04T13:02:00Z,,,z
"""
CONVERSIONS = "user_id,paid_on,invoice\na,2026-01-09,1\nb,2026-01-11,2\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def read(text: str) -> Workspace:
    return parse_workspace(text, ".", environment={})


def test_three_tables(tmp_path: Path) -> None:
    events, leads = write(tmp_path, "events.csv", EVENTS), write(tmp_path, "leads.csv.gz", LEADS)
    conversions = write(tmp_path, "paid.csv", CONVERSIONS)
    text = propose([events], leads, conversions, folder=tmp_path, name="acme")
    ws = read(text)
    assert ws.name == "acme"
    leads_spec, events_spec, conversions_spec = ws.data.leads, ws.data.events, ws.data.conversions
    assert leads_spec is not None
    assert events_spec is not None
    assert conversions_spec is not None
    assert (leads_spec.id, leads_spec.started_at, leads_spec.account, leads_spec.zone) == (
        "user_id",
        "created_at",
        "org_id",
        "UTC",
    )
    assert leads_spec.missing == ("Select",)
    assert (events_spec.lead, events_spec.name, events_spec.at, events_spec.id, events_spec.zone) == (
        "user_id",
        "event",
        "timestamp",
        "id",
        None,
    )
    assert set(events_spec.properties) == {"duration_s", "amount", "url"}
    assert (conversions_spec.lead, conversions_spec.at) == ("user_id", "paid_on")
    assert (ws.resolution.events, ws.resolution.conversions) == ("second", "day")
    assert ws.attributes == {"country": "category", "size": "number"}
    assert ws.contact == {"email": "email", "name": "full_name"}
    assert ws.behaviours["session"].duration == "duration_s"
    assert ws.behaviours["add_on"].amount == "amount"
    assert [one.event for one in ws.behaviours["support"].events] == ["ticket_created"]
    assert "source: leads.csv.gz" in text
    assert "# no zone is written in its times: confirm this one or name another" in text
    assert "# zzz: 2 events" in text
    assert "# plan_status: category" in text
    assert "# not mapped on purpose, being the payment: subscription_started" in text
    assert "# not mapped on purpose, being the start of the trial: signed_up" in text
    assert '# ignore: {email: ["*@your-company.com"]}' in text


def test_the_proposal_reads_the_data_that_it_was_made_from(tmp_path: Path) -> None:
    events, leads = write(tmp_path, "events.csv", EVENTS), write(tmp_path, "leads.csv.gz", LEADS)
    text = propose([events], leads, write(tmp_path, "paid.csv", CONVERSIONS), folder=tmp_path)
    tables = read_tables(parse_workspace(text, tmp_path, environment={}))
    assert tables.leads.ids == ["a", "b", "c"]
    assert len(tables.events.at) == 10
    assert not any(report.refused for report in tables.report.values())


def test_events_alone_name_start_and_payment(tmp_path: Path) -> None:
    ws = read(propose([write(tmp_path, "events.csv", EVENTS)]))
    assert ws.data.leads is not None
    assert [one.event for one in ws.data.leads.start] == ["signed_up"]
    assert ws.data.conversions is not None
    assert [one.event for one in ws.data.conversions.events] == ["subscription_started"]


def test_events_without_either(tmp_path: Path) -> None:
    text = propose([write(tmp_path, "e.csv", "user_id,event,date\na,login,2026-01-01\na,login,2026-01-02\n")])
    ws = read(text)
    assert ws.data.leads is None
    assert ws.data.conversions is None
    assert ws.resolution.events == "day"
    assert ws.resolution.conversions == "day"
    assert "no leads: a lead starts at its first event" in text
    assert "conversions: not found" in text


def test_parquet_and_several_files(tmp_path: Path) -> None:
    day = 20_000 * 86_400_000_000
    for name, lead in (("one.parquet", 1), ("two.parquet", 2)):
        table = {
            "user_id": [lead] * 2,
            "event": ["login", "x"],
            "at": pa.array([day, 2 * day], pa.timestamp("us")),
            "ok": [True, False],
        }
        parquet.write_table(pa.table(table), tmp_path / name)
    text = propose([tmp_path / "one.parquet", tmp_path / "two.parquet"], folder=tmp_path)
    ws = read(text)
    assert "source: [one.parquet, two.parquet]" in text
    assert "all at midnight: write day if only the day is known" in text
    assert ws.data.events is not None
    assert ws.data.events.zone == "UTC"
    assert "2 events" in text, "events of both files are counted"


def test_json_lines_as_segment_exports_them(tmp_path: Path) -> None:
    rows = [
        {
            "messageId": f"m{i}",
            "userId": "a",
            "event": f"Feature {i % 4}",
            "timestamp": f"2026-01-0{i + 1}T10:00:00Z",
            "receivedAt": f"2026-01-0{i + 1}T10:00:01Z",
            "context": {"ip": "1.2.3.4"},
            "properties": {"duration": i + 1, "tags": [1]},
        }
        for i in range(5)
    ]
    text = propose([write(tmp_path, "t.jsonl.gz", "\n\n".join(json.dumps(row) for row in rows))])
    ws = read(text)
    assert ws.data.events is not None
    assert (ws.data.events.lead, ws.data.events.id, ws.data.events.received_at) == ("userId", "messageId", "receivedAt")
    assert ws.data.events.properties == ("duration",)
    assert [one.event for one in ws.behaviours["core_use"].events] == ["feature_*"]


def test_nested_json_lines_and_numbers_as_times(tmp_path: Path) -> None:
    rows = [
        {
            "user": {"id": f"u{i % 3}"},
            "meta": {"deep": {"deeper": {"lost": 1}}},
            "action": "Oturum Açıldı",
            "ts": 1_778_144_400_000 + i,
        }
        for i in range(12)
    ]
    for name, text in (("e.jsonl", "\n".join(json.dumps(row) for row in rows)), ("e.json", json.dumps(rows, indent=1))):
        written = propose([write(tmp_path, name, text)], folder=tmp_path)
        ws = read(written)
        assert ws.data.events is not None
        assert (ws.data.events.lead, ws.data.events.at, ws.data.events.name) == ("user.id", "ts in milliseconds", "action")
        assert "read as milliseconds since 1970 they lie from 2026-05-07 to 2026-05-07" in written
        assert ws.data.events.properties == ()
        tables = read_tables(parse_workspace(written, tmp_path, environment={}))
        assert (tables.leads.ids, tables.events.names) == (["u0", "u1", "u2"], ["oturum_açildi"])


@pytest.mark.parametrize(
    ("header", "day", "event", "behaviour"),
    [
        ("usuario_id,evento,fecha", "2026-01-01", "Sesión Iniciada", "session"),
        ("utilisateur_id,événement,horodatage", "2026-01-01", "Rapport Téléchargé", "core_use"),
        ("nutzer_id,ereignis,zeitpunkt", "2026-01-01", "Preisseite Angesehen", "purchase_intent"),
        ("kullanıcı_id,olay,tarih", "2026-01-01", "Ekip Üyesi Davet Edildi", "collaboration"),
    ],
)
def test_columns_and_events_in_other_languages(tmp_path: Path, header: str, day: str, event: str, behaviour: str) -> None:
    ws = read(propose([write(tmp_path, "e.csv", f"{header}\na,{event},{day}\nb,{event},{day}\n")]))
    assert ws.data.events is not None
    assert (ws.data.events.lead, ws.data.events.name, ws.data.events.at) == tuple(header.split(","))
    assert list(ws.behaviours) == [behaviour]


def test_an_undated_table(tmp_path: Path) -> None:
    text = propose(
        [], write(tmp_path, "l.csv", "Lead Number,Created At,Lead Source,Converted,\n1,2026-01-01,Web,0,\n2,2026-01-02,Ads,1,\n")
    )
    ws = read(text)
    assert ws.undated
    assert ws.data.leads is not None
    assert (ws.data.leads.id, ws.data.leads.converted) == ("Lead Number", "Converted")
    assert ws.attributes == {"Lead Source": "category"}
    assert "# without a usable name, and left out: 1 of the columns" in text


def test_leads_whose_start_is_not_recognised_start_at_their_first_event(tmp_path: Path) -> None:
    events = write(tmp_path, "e.csv", EVENTS)
    text = propose([events], write(tmp_path, "l.csv", "user_id,country,owner\na,NO,x\na,SE,y\n"))
    leads_spec = read(text).data.leads
    assert leads_spec is not None
    assert [one.event for one in leads_spec.start] == ["signed_up"]
    assert "values repeat: is this the lead?" in text
    assert "contact: {owner: owner}" in text
    assert "# ignore:" not in text
    events = write(tmp_path, "f.csv", "user_id,event,at\na,login,2026-01-01\n")
    assert "started_at: no time was recognised" in propose([events], tmp_path / "l.csv")


@pytest.mark.parametrize("name", ["createdDate", "Create Date", "signup_time", "startDate", "join_date"])
def test_a_start_is_recognised_by_its_name(tmp_path: Path, name: str) -> None:
    leads = write(
        tmp_path, "l.csv", f"user_id,{name},workEmail\na,2026-01-01T00:00:00Z,a@x.com\nb,2026-01-02T00:00:00Z,b@x.com\n"
    )
    ws = read(propose([write(tmp_path, "e.csv", EVENTS)], leads))
    assert ws.data.leads is not None
    assert ws.data.leads.started_at == name
    assert ws.contact == {"email": "workEmail"}


def test_the_lead_of_an_event_is_known_by_its_values(tmp_path: Path) -> None:
    leads = write(tmp_path, "l.csv", "customer,joined_at\nk1,2026-01-01\nk2,2026-01-02\n")
    events = write(tmp_path, "e.csv", "who,user_id,at,what\nk1,7,2026-01-01,login\nk2,8,2026-01-02,login\n")
    ws = read(propose([events], leads))
    assert ws.data.events is not None
    assert (ws.data.events.lead, ws.data.events.name) == ("who", "what")


def test_many_unmapped_names_are_cut_short(tmp_path: Path) -> None:
    rows = "".join(f"a,zz{i},2026-01-01T00:00:00Z\n" for i in range(100))
    assert "# and 40 more names" in propose([write(tmp_path, "e.csv", "user_id,event,time\n" + rows)])


@pytest.mark.parametrize(
    ("leads", "events", "words"),
    [
        (None, None, "there is nothing to look at"),
        ("user_id,country\na,NO\nb,SE\n", None, "l.csv has no column that looks like 'started_at'"),
        ("country\nNO\nNO\n", None, "l.csv has no column that looks like 'id'"),
        ("", None, "l.csv is empty"),
        ("user_id,created_at\n", None, "l.csv is empty"),
        (None, "user_id,event\na,b\n", "e.csv has no column that looks like 'at'"),
        (None, "user_id,timestamp\n1,2026-01-01\n", "e.csv has no column that looks like 'name'"),
        (None, "event,timestamp\nx,2026-01-01\n", "e.csv has no column that looks like 'lead'"),
        (None, ",\n1,2\n", "given no usable columns"),
    ],
)
def test_what_cannot_be_recognised_is_a_sentence(tmp_path: Path, leads: str | None, events: str | None, words: str) -> None:
    paths = [write(tmp_path, "e.csv", events)] if events is not None else []
    with pytest.raises(InputError) as caught:
        propose(paths, write(tmp_path, "l.csv", leads) if leads is not None else None)
    assert words in str(caught.value)


def test_conversions_without_a_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="looks like 'at'"):
        propose([write(tmp_path, "e.csv", EVENTS)], None, write(tmp_path, "c.csv", "user_id,x\na,1\n"))


def test_files_of_other_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no column of"):
        propose([write(tmp_path, "e.csv", EVENTS), write(tmp_path, "f.csv", "p,q\n1,2\n")])


@pytest.mark.parametrize(
    ("name", "content"), [("x.csv", None), ("x.xlsx", b"x"), ("x.parquet", b"x"), ("x.jsonl", b"{"), ("x.csv.gz", b"x")]
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError):
        propose([tmp_path / name])
    with pytest.raises(InputError, match="a folder"):
        propose([tmp_path])


def test_the_name_comes_from_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "My Product!"
    folder.mkdir()
    assert read(propose([write(folder, "e.csv", EVENTS)])).name == "my_product"
    odd = tmp_path / "!!"
    odd.mkdir()
    assert read(propose([write(odd, "e.csv", EVENTS)])).name == "my_product"


ODD = st.text(st.characters(codec="utf-8", exclude_characters='\0\r\n",')).filter(lambda text: bool(text.strip()))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(ODD, st.sampled_from(["no", "${HOME}", "a: b", "# x", "[", "*", "null", "feature?"])),
        min_size=1,
        max_size=6,
        unique=True,
    ),
    st.lists(ODD, min_size=1, max_size=6),
)
def test_whatever_the_names_are_the_text_can_be_read_back(tmp_path: Path, columns: list[str], names: list[str]) -> None:
    columns = [column for column in columns if column.strip() not in ("user_id", "event", "at")]
    header = ",".join(["user_id", "event", "at", *columns])
    rows = [",".join([str(i), name, "2026-01-01T00:00:00Z", *("x" for _ in columns)]) for i, name in enumerate(names)]
    events = write(tmp_path, "e.csv", "\n".join([header, *rows]) + "\n")
    lead_rows = [",".join([str(i), "-", "2026-01-01", *(str(i % 2) + "x" for _ in columns)]) for i in range(4)]
    leads = write(tmp_path, "l.csv", "\n".join([header, *lead_rows]) + "\n")
    read(propose([events], leads))
