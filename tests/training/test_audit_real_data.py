"""The audit on real data: it stops at the columns that sales wrote, by name or without it, and at nothing else.

Skipped where the data are absent: they may not be published with the project.
"""

from __future__ import annotations

import csv
import gzip
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from features.errors import StoppedError
from features.inspecting.silence import silent
from features.reading.moments import parse_moment
from features.tables import Tables, read_tables
from features.workspace import Workspace, load_workspace, parse_workspace
from training.audit import STOPPING, audit
from training.verbs import run_train

WORKSPACES = Path(__file__).parents[1] / "workspaces"
DATA = WORKSPACES.parents[2] / "shared" / "data"
X_EDUCATION = DATA / "x_education" / "leads.csv.gz"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the real data sets are not in {DATA}; they may not be published with the project"
)

NUMBERS = {"TotalVisits", "Total Time Spent on Website", "Page Views Per Visit", "Asymmetrique Activity Score",
           "Asymmetrique Profile Score", "Lead Number"}  # fmt: skip
ASKED = {"Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity", "Asymmetrique Activity Index",
         "Asymmetrique Profile Index", "Asymmetrique Activity Score", "Asymmetrique Profile Score"}  # fmt: skip


@cache
def rows() -> tuple[list[str], list[list[str]]]:
    with gzip.open(X_EDUCATION, "rt", newline="") as file:
        header, *body = csv.reader(file)
    return header, body


def everything(folder: Path, *, renamed: bool, extra: str = "") -> tuple[Path, dict[str, str]]:
    """Write x_education with every column mapped as an attribute; return the workspace file and column -> written name."""
    header, body = rows()
    number = iter(range(1, 100))
    names = {name: f"c{next(number)}" if renamed else name for name in header if name}
    with (folder / "leads.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[names.get(name, "") for name in header], *body])
    attributes = {
        names[name]: "number" if name in NUMBERS else "category"
        for name in header
        if name and name not in ("Prospect ID", "Converted")
    }
    leads = {"source": "leads.csv", "id": names["Prospect ID"], "converted": names["Converted"], "missing": ["Select"]}
    text = f"name: x\ndata: {json.dumps({'leads': leads})}\nattributes: {json.dumps(attributes)}\n{extra}"
    (folder / "x.yaml").write_text(text)
    return folder / "x.yaml", names


def test_x_education_with_every_column(tmp_path: Path) -> None:
    file, _ = everything(tmp_path, renamed=False)
    ws = load_workspace(file)
    found = {one.column: one for one in audit(ws, read_tables(ws)) if one.level in STOPPING}
    assert {name: one.level for name, one in found.items()} == {"Tags": "leak"} | dict.fromkeys(ASKED, "ask")
    assert "AUC of 0.9" in found["Tags"].evidence
    with pytest.raises(StoppedError, match="leak: Tags"):
        run_train(file, say=lambda line: None)


def test_x_education_under_other_names(tmp_path: Path) -> None:
    """Without names only what the data prove is left: the tags, and no honest column."""
    file, names = everything(tmp_path, renamed=True)
    ws = load_workspace(file)
    leaks = [one.column for one in audit(ws, read_tables(ws)) if one.level == "leak"]
    assert leaks == [names["Tags"]]


@pytest.mark.parametrize(
    ("name", "as_of"),
    [("365", "2022-08-01"), ("365", None), ("relax_7", "2013-07-01"), ("relax_7", None), ("relax_14", "2013-07-01"),
     ("relax_14", None), ("oulad", "2014-01-01"), ("oulad", None), ("x_education", None)],
)  # fmt: skip
def test_honest_workspaces_are_not_stopped(name: str, as_of: str | None) -> None:
    ws, tables, now = read(name, as_of)
    assert [one for one in audit(ws, tables, as_of=now) if one.level in (*STOPPING, "warn")] == []


@pytest.mark.parametrize("as_of", [None, "2022-05-01", "2022-08-01"])
def test_no_behaviour_of_365_is_silent(as_of: str | None) -> None:
    ws, tables, now = read("365", as_of)
    assert list(silent(ws, tables, now=tables.newest if now is None else now)) == []


@pytest.mark.parametrize(("name", "as_of"), [("relax_7", None), ("relax_7", "2013-07-01"), ("relax_14", "2013-12-31"),
                                              ("oulad", None), ("oulad", "2014-01-01"), ("oulad", "2014-02-20")])  # fmt: skip
def test_data_that_simply_end_are_not_silent(name: str, as_of: str | None) -> None:
    ws, tables, now = read(name, as_of)
    assert list(silent(ws, tables, now=tables.newest if now is None else now)) == []


def test_relax_without_its_last_two_weeks_of_logins_is() -> None:
    ws, tables, _ = read("relax_14", None)
    at = parse_moment("2013-12-31")
    cut = read_tables(ws, cut=at - 14 * 86_400_000_000)
    assert len(tables.events) > len(cut.events)
    leads = read_tables(ws, cut=at).leads
    place = {lead: index for index, lead in enumerate(leads.ids)}
    moved = np.array([place[lead] for lead in cut.leads.ids], dtype=np.int32)[cut.events.lead]
    from dataclasses import replace

    stopped = replace(cut, leads=leads, events=replace(cut.events, lead=moved))
    assert [one.column for one in silent(ws, stopped, now=at)] == ["behaviours.session"]


def read(name: str, as_of: str | None) -> tuple[Workspace, Tables, int | None]:
    ws = load_workspace(WORKSPACES / f"{name}.yaml")
    cut = None if as_of is None else parse_moment(as_of)
    return ws, read_tables(ws, cut=cut), cut


def test_the_reader_of_this_file_knows_its_columns() -> None:
    header, body = rows()
    assert {*NUMBERS, *ASKED} <= set(header)
    assert len(body) == 9_240
    assert parse_workspace("name: x\ndata: {leads: {source: l.csv, converted: c}}\n", ".").undated
