"""Which sources Spark takes and which it refuses, and that no secret travels to a worker."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from features.errors import InputError
from features.reading.sources import open_sources
from features.sparking.dealing import events_spec
from features.sparking.layout import event_sources, fetched, without_sources
from features.workspace import Workspace, parse_workspace
from tests.features.sparking.product import write_product


def workspace(folder: Path, events: str, more: str = "") -> Workspace:
    return parse_workspace(
        f"name: a\ndata:\n  events: {{source: {events}}}\n{more}", folder, environment={"DB": "postgresql://u:s3cret@h/d"}
    )


def test_files_are_divided_and_the_rest_is_left_to_spark(tmp_path: Path) -> None:
    write_product(tmp_path, leads=60)
    ws = workspace(tmp_path, '[events-*.parquet, more.jsonl.gz, events-1.parquet, "s3a://b/*.parquet", {url: spark, query: q}]')
    found = event_sources(ws, events_spec(ws).source)
    assert [origin.name for origin in found.origins] == ["events-1.parquet", "events-2.parquet", "more.jsonl.gz"]
    assert (found.remote, found.queries) == (("s3a://b/*.parquet",), ("q",))
    parquet_shares = [share for share in found.shares if share.groups is not None]
    assert [share.path.name for share in found.shares] == ["events-1.parquet", "events-2.parquet", "more.jsonl.gz"]
    assert sum(share.rows for share in parquet_shares) < found.rows


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("store", "given the store; expected Parquet files"),
        ("{url: '${DB}', query: select 1}", "given a query on another database"),
        ("s3a://bucket/events.csv.gz", "given s3a://bucket/events.csv.gz; expected Parquet"),
    ],
)
def test_what_only_one_machine_reads_is_refused(tmp_path: Path, source: str, words: str) -> None:
    ws = workspace(tmp_path, source)
    with pytest.raises(InputError, match=words):
        event_sources(ws, events_spec(ws).source)


def test_one_machine_refuses_a_query_for_spark(tmp_path: Path) -> None:
    ws = workspace(tmp_path, "{url: spark, query: select 1}")
    with pytest.raises(InputError, match=r"the query of data.events is for Spark: .* add --engine spark"):
        open_sources("events", events_spec(ws).source, tmp_path)


def test_small_tables_of_spark_become_files(tmp_path: Path) -> None:
    leads = "  leads: {source: [{url: spark, query: q}, own.csv], id: id, started_at: at}\n"
    paid = "  conversions: {source: {url: spark, query: q}, lead: id, at: paid}\n  identities: {source: 's3a://b/i.parquet'}\n"
    ws = workspace(tmp_path, "e.csv", leads + paid)
    asked = []

    def fetch(text: str, query: bool) -> pa.Table:
        asked.append((text, query))
        return pa.table({"id": ["a"]})

    here = fetched(ws, tmp_path, fetch).data
    assert asked == [("q", True), ("s3a://b/i.parquet", False)]
    assert [one.path for one in here.leads.source] == [str(tmp_path / "leads of Spark 1.parquet"), "own.csv"]
    assert here.conversions.source == here.leads.source[:1], "one query is one table, whoever asks for it"
    assert (tmp_path / "identities of Spark 2.parquet").is_file()
    assert here.events == ws.data.events


def test_no_secret_travels_to_a_worker(tmp_path: Path) -> None:
    leads = "  leads: {source: {url: '${DB}', query: q}, id: id, started_at: at}\n"
    ws = workspace(tmp_path, "e.csv", leads)
    bare = without_sources(ws)
    assert "s3cret" in ws.data.leads.source[0].url
    assert "s3cret" not in bare.model_dump_json()
    assert bare.definition() == ws.definition()
