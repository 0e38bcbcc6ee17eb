"""Dealt out to buckets, a workspace gives the very tables, words and rows that one machine reads and computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.catalog import feature_set
from features.errors import InputError
from features.sparking.layout import without_sources
from features.sparking.usage import usage_of
from features.vocabulary import learn_vocabulary
from features.workspace import load_workspace
from models.batch import feature_columns, feature_rows, score_columns, score_rows
from models.champion import need_champion
from models.outfile import arrow_table
from models.population import Asked, find_population, not_known_yet, parse_when
from models.spark_scores import LastLook, Looks, Matrix, Model, Scores, Uses, newest_time
from tests.features.sparking.one_process import gather_here
from tests.features.sparking.product import LEADS, write_product
from tests.training.small_world import SmallWorld, silent
from training.verbs import run_train

PEOPLE = """attributes: {country: category, "company size": number}
contact: {email: mail}
ignore: {email: ["*@us.test"]}\n"""
PAID = "conversions: {source: paid.parquet, lead: who, at: at}"
NO_LEADS = {LEADS: "", PEOPLE: ""}
BY_EVENTS = {PAID: "conversions: {events: [{event: invite_sent, where: {plan: pro}}]}"}
FREEMIUM = {"trial: {days: 14}": "trial: {days: none, inactive_days: 5}"}
NO_MERGES = {"  identities: {source: merges.parquet, from: old, to: new, at: at}\n": ""}


def bits(table: Any) -> dict[str, list[Any]]:
    """The columns of a table, doubles by their bits."""
    found = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        nulls = column.is_null().to_pylist()
        number = str(column.type) == "double"
        values = (column.fill_null(0.0).to_numpy().view(np.int64) if number else column).tolist()
        found[name] = [None if missing else value for missing, value in zip(nulls, values, strict=True)]
    return found


@pytest.mark.parametrize(
    ("asked", "edit", "options"),
    [
        (Asked(age_days=3.0), {}, {"many": 1}),
        (Asked(age_days=3.0), {}, {"many": 7}),
        (Asked(age_days=3.0), {}, {"by_day": True}),
        (Asked(), {}, {"as_rows": True}),
        (Asked(as_of="2025-05-01", started_from="2025-03-25"), {}, {}),
        (Asked(age_days=3.0), NO_MERGES, {}),
        (Asked(age_days=3.0), {"account: org,": ""}, {}),
        (Asked(age_days=3.0), {", id: id": ""}, {}),
        (Asked(), NO_LEADS, {}),
        (Asked(), {**NO_LEADS, **BY_EVENTS, **FREEMIUM}, {"by_day": True}),
        (Asked(as_of="2025-05-01"), {"started_at: started_at,": "start: login,", **FREEMIUM}, {}),
        (Asked(age_days=400.0), {}, {"many": 400}),
    ],
)  # fmt: skip
def test_buckets_give_what_one_machine_gives(tmp_path: Path, asked: Asked, edit: dict[str, str], options: dict[str, Any]) -> None:
    path = write_product(tmp_path, leads=90, by_day=options.pop("by_day", False), edit=edit)
    ws = load_workspace(path)
    who = find_population(ws, asked)
    last = who.at if who.at is not None else int(who.as_of.max(initial=0)) or None
    words = learn_vocabulary(ws, who.tables, last)
    definition = ws.definition(vocabulary=words[0], categories=words[1])
    features = feature_set(definition)

    cut = None if asked.as_of is None else parse_when(asked.as_of, "--as-of", ws)
    here = gather_here(path, cut=cut, **options)
    newest = here.survey(newest_time).newest
    assert newest == who.tables.newest
    looks = Looks(without_sources(ws), None, asked, cut, newest)
    assert looks.at == who.at
    if who.at is None:
        assert (here.survey(LastLook(looks)).newest or None) == last
    assert usage_of(here.survey(Uses(ws.definition(), last)).counts).words() == words

    rows, told = here.compute(Matrix(looks, definition), feature_columns(features))
    expected = arrow_table(feature_rows(who, features), feature_columns(features))
    assert bits(rows) == bits(expected)
    late = not_known_yet(ws, here.people.report, told.counts["leads"], asked, cut)
    assert {**who.left_out, "not_started": told.counts["not_started"] + late} == who.left_out
    assert told.counts["duplicates"] == who.tables.report["events"].duplicates
    assert (len(here.assembler.winners) > 0) == (options.get("many") != 1 and ", id: id" not in edit)
    report = who.tables.report["events"]
    assert here.told.counts["read"] == report.read
    if cut is None:  # as of an instant, an event of an unknown lead that came later is not known either
        # A flawed row of a lead that `where` leaves out counts as flawed here, since its worker knows no leads.
        flawed = sum(here.told.refused.values()) + told.counts["unknown"]
        assert flawed - report.refused_count == report.outside - told.counts["outside"] >= 0


def test_what_stops_one_machine_stops_a_worker_in_the_same_words(tmp_path: Path) -> None:
    path = write_product(tmp_path, leads=20, edit={"at: at, id: id": "at: secs, id: id"})
    with pytest.raises(InputError, match="column 'secs' of events-1"):
        gather_here(path)


def test_a_mistake_while_computing_is_told(tmp_path: Path) -> None:
    def refuse(tables: object) -> None:
        raise InputError("no", given="a", expected="b", do="c")

    here = gather_here(write_product(tmp_path, leads=20))
    with pytest.raises(InputError, match="no: given a; expected b; c"):
        here.compute(refuse, {"lead_id": "text"})
    with pytest.raises(InputError, match="no: given a"):
        here.survey(refuse)


def test_a_column_that_no_file_has_is_missed(tmp_path: Path) -> None:
    path = write_product(tmp_path, leads=20, edit={"properties: [plan]": "properties: [plan, colour]", ", more.jsonl.gz": ""})
    with pytest.raises(InputError, match="has no column 'colour'"):
        gather_here(path)


@pytest.mark.slow  # it trains; the buckets themselves are tested with every commit
def test_scores_of_buckets_are_those_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    path = SmallWorld(leads=300).write(tmp_path)
    run_train(path, trials=0, promote="force", say=silent)
    ws, champion, asked = load_workspace(path), need_champion("small"), Asked(age_days=3.0)
    definition = champion.scorer.definition
    who = find_population(ws, asked, definition)
    here = gather_here(path, definition=definition)
    looks = Looks(without_sources(ws), definition, asked, None, here.survey(newest_time).newest)
    columns = score_columns(ws, champion, 2)
    rows, told = here.compute(Scores(looks, Model.of(champion), 2, "tr"), columns)
    assert bits(rows) == bits(arrow_table(score_rows(ws, champion, who, reasons=2, lang="tr"), columns))
    assert told.counts["rows"] == len(who.lead) > 100
