"""The files of a simulated world: complete, honest about what they are, and the same to the byte."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from features.clock import from_datetime
from training.simulator import World, simulate

FILES = ("leads.csv.gz", "events.csv.gz", "conversions.csv.gz", "workspace.yaml")


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(3, leads=800, days=120)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def instant(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))


def test_a_seed_gives_the_same_bytes_and_another_seed_gives_others(world: World, tmp_path: Path) -> None:
    assert world.write(tmp_path / "a") == tmp_path / "a" / "workspace.yaml"
    simulate(3, leads=800, days=120).write(tmp_path / "b")
    simulate(4, leads=800, days=120).write(tmp_path / "c")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert sorted(digests(tmp_path / "a")) == sorted(FILES)
    assert not set(digests(tmp_path / "a").values()) & set(digests(tmp_path / "c").values())


def test_the_workspace_says_that_it_is_simulated_and_names_the_columns(world: World, tmp_path: Path) -> None:
    text = world.write(tmp_path).read_text(encoding="utf-8")
    assert text.startswith("# SIMULATED DATA")
    spec = yaml.safe_load(text)
    assert spec["name"] == "simulated"
    columns = {table: set(rows(tmp_path / f"{table}.csv.gz")[0]) for table in ("leads", "events", "conversions")}
    for table, source in spec["data"].items():
        properties = source.pop("properties", [])
        assert source.pop("source") == f"{table}.csv.gz"
        assert {*source.values(), *properties} <= columns[table]
    assert {*spec["attributes"], *spec["contact"].values(), *spec["behaviours"]["profile"]["traits"]} <= columns["leads"]


def test_only_what_is_known_at_the_end_is_written_and_nothing_hidden(world: World, tmp_path: Path) -> None:
    world.write(tmp_path)
    leads = rows(tmp_path / "leads.csv.gz")
    assert len(leads) == 800
    assert not {"fit", "state", "truth", "probability", "paid"} & set(leads[0])
    known = [row["cancelled_at"] for row in leads if row["cancelled_at"]]
    paid = [row["converted_at"] for row in rows(tmp_path / "conversions.csv.gz")]
    received = [row["received_at"] for row in rows(tmp_path / "events.csv.gz")]
    assert known
    assert paid == sorted(paid)
    assert max(map(instant, [*known, *paid, max(received)])) <= world.until
    assert (world.lives.ended_at > world.until).sum() > len(leads) - len(known) - 1
    for column in ("country", "company_size", "channel", "org_id", "company", "job_title", "photo"):
        empty = sum(row[column] == "" for row in leads) / len(leads)
        assert 0.01 < empty < 0.8, column
    accounts = Counter(row["org_id"] for row in leads if row["org_id"])
    assert max(accounts.values()) >= 3
    assert all(row["email"].endswith("@example.com") for row in leads)


def test_events_are_written_as_they_were_drawn(world: World, tmp_path: Path) -> None:
    world.write(tmp_path)
    written = rows(tmp_path / "events.csv.gz")
    assert len(written) == len(world.events)
    for place in (0, 17, len(written) - 1):
        assert written[place]["lead_id"] == world.leads.ids[world.events.lead[place]]
        assert instant(written[place]["at"]) == world.events.at[place]
        assert instant(written[place]["received_at"]) == world.events.received_at[place]
        assert written[place]["message_id"] == f"m{world.events.message[place]}"
    spelt = Counter(row["event"] for row in written)
    assert 0 < spelt["App Opened"] < spelt["app_opened"]


def test_leads_held_back_are_in_no_file(world: World, tmp_path: Path) -> None:
    paid = rows(world.write(tmp_path / "all").with_name("conversions.csv.gz"))[0]["lead_id"]
    world.write(tmp_path / "less", hold_back=[paid])
    for name, column in (("leads", "lead_id"), ("events", "lead_id"), ("conversions", "lead_id")):
        whole, less = (rows(tmp_path / folder / f"{name}.csv.gz") for folder in ("all", "less"))
        assert [row for row in whole if row[column] != paid] == less
        assert len(less) < len(whole)
