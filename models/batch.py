"""The work of `features` and `score`: everyone who is open then, ordered by id, written to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from features.catalog import feature_set
from features.clock import format_us
from features.definition import Definition
from features.errors import InputError
from features.feature import FeatureSet
from features.history import build_history
from features.matrix import FeatureMatrix, compute
from features.vocabulary import learn_vocabulary
from features.workspace import Workspace, load_workspace
from models import population
from models.answer import Asked as Answers
from models.answer import score_records
from models.champion import Champion, find_champion, need_champion, same_mapping
from models.outfile import check_ending, write_rows
from models.phrasing import Phrasing, own_words
from models.population import Population, find_population

Say = Callable[[str], None]

_DIFFERS = "The workspace file differs from the one that the model was trained with; the model's own is used"

AT_ONCE = 20_000
"""Leads that are computed and answered together, so that memory stays bounded whatever the file holds."""


def catalogue_rows(workspace: Path) -> list[dict[str, Any]]:
    """Return every feature of a workspace in plain words."""
    ws = load_workspace(workspace)
    return [
        {
            "name": one.name,
            "meaning": one.meaning,
            "player": one.player,
            "kind": one.kind,
            "unit": one.unit,
            "missing": one.missing,
        }
        for one in feature_set(ws.definition(), phrases=own_words(ws.phrases, ws.behaviours, ws.language)).features
    ]


def write_features(
    workspace: Path,
    out: Path,
    *,
    age: float | None,
    as_of: str | None,
    started_from: str | None,
    started_before: str | None,
    say: Say,
) -> dict[str, Any]:
    """Write the feature matrix and return how many rows it has, and who was left out."""
    check_ending(out)
    ws = load_workspace(workspace)
    who = find_population(ws, population.Asked(age, as_of, started_from, started_before))
    features = feature_set(_definition(ws, who, say))
    _say_when(who, say)
    columns = {"lead_id": "text", "as_of": "text"} | {
        one.name: "text" if one.kind == "category" else "number" for one in features.features
    }
    rows = (
        {"lead_id": lead_id, "as_of": _time(ws, matrix, place), **matrix.row(place)}
        for matrix, ids in matrices(who, features)
        for place, lead_id in enumerate(ids)
    )
    write_rows(out, rows, columns)
    say(f"Wrote {len(who.lead):,} rows to {out}.")
    return {"rows": len(who.lead), "left_out": who.left_out, "fingerprint": features.definition.fingerprint}


def write_scores(
    workspace: Path,
    out: Path,
    *,
    age: float | None,
    as_of: str | None,
    started_from: str | None,
    started_before: str | None,
    reasons: str,
    lang: str | None,
    say: Say,
) -> dict[str, Any]:
    """Score everyone who is open with the champion, and return how many were scored and who was left out."""
    check_ending(out)
    ws = load_workspace(workspace)
    many = parse_reasons(reasons)
    phrasing(ws, lang)
    champion = need_champion(ws.name)
    who = find_population(ws, population.Asked(age, as_of, started_from, started_before))
    _say_when(who, say)
    if not same_mapping(ws, champion.scorer.definition):
        say(f"warning: {_DIFFERS}.")
    records = score_population(ws, champion, who, reasons=many, lang=lang)
    if out.suffix == ".jsonl":
        write_rows(out, (), {}, nested=records)
    else:
        _write_flat(out, records, who, len(champion.scorer.feature_set.players) if many is None else many)
    say(f"Scored {len(who.lead):,} leads with version {champion.ref.version} of {ws.name}; wrote {out}.")
    return {"scored": len(who.lead), "left_out": who.left_out}


def parse_reasons(text: str) -> int | None:
    """Read how many reasons are wanted.

    >>> parse_reasons("3"), parse_reasons("all")
    (3, None)
    """
    if text == "all":
        return None
    if not text.isdecimal() or len(text) > 4:
        raise InputError("--reasons is no number of reasons", given=repr(text), expected="0, 1, 2... or all", do="write it so")
    return int(text)


def score_population(
    ws: Workspace, champion: Champion, who: Population, *, reasons: int | None, lang: str | None = None
) -> Iterator[dict[str, Any]]:
    """Score piece by piece, in order of id; a record is the very one that HTTP gives. No number of reasons means all."""
    differs = not same_mapping(ws, champion.scorer.definition)
    answers = Answers(
        version=champion.ref.version, reasons=reasons, phrasing=phrasing(ws, lang),
        mql=ws.stages.mql, sql=ws.stages.sql, pql_probability=ws.stages.pql_probability,
        warnings=(("workspace_differs", _DIFFERS),) if differs else (),
    )  # fmt: skip
    started = who.tables.leads.started_at
    dated = not champion.scorer.definition.undated
    for matrix, ids in matrices(who, champion.scorer.feature_set):
        yield from score_records(champion.scorer, matrix, ids, answers, started_at=started[matrix.lead_index] if dated else None)


def phrasing(ws: Workspace, lang: str | None = None) -> Phrasing:
    """Return the words of a workspace in a language, its own by default."""
    language = lang or ws.language
    return Phrasing(language, own_words(ws.phrases, ws.behaviours, language))


def _write_flat(out: Path, records: Iterator[dict[str, object]], who: Population, most: int) -> None:
    """Write one line a lead: the score, the contact columns, the reasons as sentences."""
    contact = who.tables.leads.contact
    reasons = [f"reason_{place + 1}" for place in range(most)]
    kinds = {"lead_id": "text", "as_of": "text", "probability": "number", "grade": "text", "stage": "text"}
    columns = kinds | dict.fromkeys((*contact, *reasons), "text")

    def flat(place: int, record: dict[str, Any]) -> dict[str, Any]:
        lead = who.lead[place]
        texts = [reason["text"] for reason in record["reasons"]]
        row = {name: record[name] for name in kinds} | {name: values[lead] for name, values in contact.items()}
        return row | dict(zip(reasons, chain(texts, [None] * (most - len(texts))), strict=True))

    write_rows(out, (flat(place, record) for place, record in enumerate(records)), columns)


def matrices(who: Population, features: FeatureSet) -> Iterator[tuple[FeatureMatrix, list[str]]]:
    """Compute the features of everyone, piece by piece."""
    tables = who.tables
    history = None if features.definition.undated else build_history(features.plan, tables.events, len(tables.leads))
    for start in range(0, len(who.lead), AT_ONCE):
        piece = slice(start, start + AT_ONCE)
        lead = who.lead[piece]
        yield compute(features, tables, lead, who.as_of[piece], history=history), [tables.leads.ids[place] for place in lead]


def _definition(ws: Workspace, who: Population, say: Say) -> Definition:
    """Return the champion's definition if it says what the file says, else one whose vocabularies are learnt from the data."""
    champion = find_champion(ws.name)
    if champion is not None and same_mapping(ws, champion.scorer.definition):
        say(f"Features as version {champion.ref.version} of {ws.name} has them.")
        return champion.scorer.definition
    say("Features as the workspace file has them, with vocabularies learnt from the data as of then.")
    vocabulary, categories = learn_vocabulary(ws, who.tables, who.at if who.at is not None else _last(who))
    return ws.definition(vocabulary=vocabulary, categories=categories)


def _last(who: Population) -> int | None:
    return int(np.max(who.as_of)) if len(who.as_of) else None


def _say_when(who: Population, say: Say) -> None:
    if who.at is not None:
        say(f"As of {format_us(who.at)}.")


def _time(ws: Workspace, matrix: FeatureMatrix, place: int) -> str | None:
    return None if ws.data.undated else format_us(int(matrix.as_of[place]))
