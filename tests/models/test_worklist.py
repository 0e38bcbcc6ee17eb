"""`list`: who is on it, in which order, what stands beside them, and what a spreadsheet makes of it."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from features.clock import DAY_US, format_us
from features.errors import InputError
from features.workspace import load_workspace
from models import worklist
from models.champion import Champion
from models.population import Asked, find_population
from models.registry import ChampionRef
from models.worklist import best_first, list_rows, write_list
from tests.serving.conftest import make_scorer
from tests.serving.crm.conftest import LEADS, write_world


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_world(tmp_path)
    path = tmp_path / "acme.yaml"
    champion = Champion(ChampionRef("acme", "1", "0" * 64, "run", ""), make_scorer(load_workspace(path), 1))
    monkeypatch.setattr(worklist, "need_champion", lambda name: champion)
    return path


def listed(file: Path, out: str = "list.csv", top: int = 20) -> list[dict[str, str]]:
    assert [*write_list(file, top=top, out=file.parent / out, lang=None, say=silent)] == []
    with (file.parent / out).open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def test_what_stands_in_the_list(file: Path) -> None:
    rows = listed(file)
    assert len(rows) == LEADS
    order = [(-float(row["probability"]), row["lead_id"]) for row in rows]
    assert order == sorted(order)
    assert list(rows[0]) == ["lead_id", "probability", "grade", "stage", "email", "reason_1", "reason_2", "reason_3",
                             "change", "next_step", "language"]  # fmt: skip
    assert rows[0]["reason_1"]
    assert {row["language"] for row in rows} == {"en"}
    assert rows[0]["change"] == ""  # nobody was a lead a week ago
    lines = [*write_list(file, top=3, out=None, lang="de", say=silent)]
    assert len(lines) == 3
    assert rows[0]["lead_id"] in lines[0]


def test_the_change_is_that_of_the_last_seven_days(file: Path) -> None:
    events = file.parent / "events.csv"
    events.write_text(events.read_text() + "lead-6,login,2026-05-12T00:00:00Z\n")
    ws = load_workspace(file)
    champion = worklist.need_champion("acme")
    who = find_population(ws, Asked())
    rows = {row["lead_id"]: row for row in list_rows(ws, champion, who)}
    then = find_population(ws, Asked(as_of=format_us(int(who.at or 0) - 7 * DAY_US)))
    was = dict(zip(then.ids, worklist._probabilities(ws, champion, then), strict=True))
    assert rows["lead-6"]["change"] == rows["lead-6"]["probability"] - was["lead-6"] != 0


def test_who_was_spoken_to_in_the_last_fourteen_days_is_left_alone(file: Path) -> None:
    file.write_text(file.read_text().replace("behaviours:", "  contacts: {source: contacts.csv}\nbehaviours:"))
    contacts = "lead_id,at\nlead-1,2026-05-05T01:00:00Z\nlead-2,2026-04-01T00:00:00Z\nnobody,2026-05-05T00:00:00Z\nlead-3,never\n"
    (file.parent / "contacts.csv").write_text(contacts + "lead-4,2026-06-01T00:00:00Z\n")  # not yet
    said: list[str] = []
    who = find_population(load_workspace(file), Asked())
    kept = best_first(load_workspace(file), worklist.need_champion("acme"), who, 20, said.append)
    assert sorted(kept.ids) == [f"lead-{i}" for i in range(LEADS) if i != 1]
    assert said == [
        "1 open leads were contacted in the last 14 days and are left out.",
        "warning: 1 rows of contacts could not be read.",
    ]


def test_no_cell_is_a_formula(file: Path) -> None:
    leads, evil = file.parent / "leads.csv", '=HYPERLINK("http://x")'
    leads.write_text(leads.read_text().replace("Lead0@Acme.test", '"=HYPERLINK(""http://x"")"').replace("Lead1@", "+Lead1@"))
    emails = {row["lead_id"]: row["email"] for row in listed(file)}
    assert (emails["lead-0"], emails["lead-1"], emails["lead-2"]) == (f"'{evil}", "'+Lead1@Acme.test", "Lead2@Acme.test")
    for ending in ("xlsx", "jsonl"):
        assert [*write_list(file, top=20, out=file.parent / f"l.{ending}", lang=None, say=silent)] == []
    lines = [json.loads(line) for line in (file.parent / "l.jsonl").read_text().splitlines()]
    assert next(line["email"] for line in lines if line["lead_id"] == "lead-0") == evil
    with zipfile.ZipFile(file.parent / "l.xlsx") as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    kinds = {one.tag.rpartition("}")[2] for one in sheet.iter()}
    assert "f" not in kinds  # an element of that name is a formula
    assert "hyperlink" not in kinds
    assert evil in [one.text for one in sheet.iter() if one.tag.endswith("}t")]


def test_an_ending_that_is_none(file: Path) -> None:
    with pytest.raises(InputError, match="ending") as caught:
        [*write_list(file, top=1, out=file.parent / "l.xls", lang=None, say=silent)]
    assert ".xlsx" in caught.value.expected


def test_the_same_data_gives_the_same_list(file: Path) -> None:
    assert listed(file, "a.csv") == listed(file, "b.csv")
    assert np.isfinite([float(row["probability"]) for row in listed(file, "a.csv")]).all()
