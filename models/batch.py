"""The work of `features` and `score`: everyone who is open then, ordered by id, written to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from features.catalog import feature_set
from features.clock import DAY_US, format_us
from features.definition import Definition
from features.errors import InputError
from features.feature import FeatureSet
from features.inspecting.checkup_names import idle_exclusions, idle_patterns
from features.matrix import FeatureMatrix, compute_in_pieces
from features.vocabulary import learn_vocabulary
from features.workspace import Workspace, load_workspace
from models import population
from models.answer import Asked as Answers
from models.answer import score_records
from models.champion import Champion, find_champion, need_champion, same_mapping
from models.outfile import check_ending, write_rows
from models.phrasing import Phrasing
from models.population import Population, find_population
from models.stages import StageRules

Say = Callable[[str], None]

_SCORE = {"lead_id": "text", "as_of": "text", "probability": "number", "grade": "text", "stage": "text"}
DIFFERS = "workspace_differs"

QUIET_DAYS = 30
"""So long after the newest time in the data a look at everyone is most often a slip."""

AT_ONCE = 20_000
"""Leads that are computed and answered together, so that memory stays bounded whatever the file holds."""


def write_features(
    workspace: Path,
    out: Path,
    *,
    asked: population.Asked,
    say: Say,
) -> dict[str, Any]:
    """Write the feature matrix and return how many rows it has, and who was left out."""
    check_ending(out)
    ws = load_workspace(workspace)
    who = find_population(ws, asked)
    features = feature_set(_definition(ws, who, say))
    for one in (*idle_patterns(ws, who.tables), *idle_exclusions(ws, who.tables)):
        say(f"{one.level}: {one.column}: {one.evidence}")
    _say_when(who, say)
    write_rows(out, feature_rows(who, features), feature_columns(features))
    say(f"Wrote {len(who.lead):,} rows to {out}.")
    return {"rows": len(who.lead), "left_out": who.left_out, "fingerprint": features.definition.fingerprint}


def write_scores(
    workspace: Path,
    out: Path,
    *,
    asked: population.Asked,
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
    who = find_population(ws, asked, champion.scorer.definition)
    _say_when(who, say)
    if ws.stages.hysteresis and not ws.data.undated:
        say("Stages are those of this one look: files do not tell what a lead was before.")
    if not same_mapping(ws, champion.scorer.definition):
        say(f"warning: {Phrasing().warning(DIFFERS)}.")
    if out.suffix == ".jsonl":
        write_rows(out, (), {}, nested=score_population(ws, champion, who, reasons=many, lang=lang))
    else:
        write_rows(out, score_rows(ws, champion, who, reasons=many, lang=lang), score_columns(ws, champion, many))
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
    words = phrasing(ws, lang)
    answers = Answers(
        version=champion.ref.version, reasons=reasons, phrasing=words,
        stages=StageRules.of(ws, champion.scorer),
        warnings=((DIFFERS, words.warning(DIFFERS)),) if differs else (),
    )  # fmt: skip
    started = who.tables.leads.started_at
    dated = not champion.scorer.definition.undated
    for matrix, ids in matrices(who, champion.scorer.feature_set):
        yield from score_records(champion.scorer, matrix, ids, answers, started_at=started[matrix.lead_index] if dated else None)


def phrasing(ws: Workspace, lang: str | None = None) -> Phrasing:
    """Return the words of a workspace in a language, its own by default."""
    return Phrasing.of(ws, lang)


def feature_columns(features: FeatureSet) -> dict[str, str]:
    """Return the columns of the feature matrix, with their types."""
    return {"lead_id": "text", "as_of": "text"} | {
        one.name: "text" if one.kind == "category" else "number" for one in features.features
    }


def feature_rows(who: Population, features: FeatureSet) -> Iterator[dict[str, Any]]:
    """Compute one line a look: the features by name."""
    undated = features.definition.undated
    for matrix, ids in matrices(who, features):
        for place, lead_id in enumerate(ids):
            as_of = None if undated else format_us(int(matrix.as_of[place]))
            yield {"lead_id": lead_id, "as_of": as_of, **matrix.row(place)}


def score_columns(ws: Workspace, champion: Champion, reasons: int | None) -> dict[str, str]:
    """Return the columns of flat scores, with their types: the score, the contact columns, the reasons as sentences."""
    most = len(champion.scorer.feature_set.players) if reasons is None else reasons
    return _SCORE | dict.fromkeys((*ws.contact, *(f"reason_{place + 1}" for place in range(most))), "text")


def score_rows(
    ws: Workspace, champion: Champion, who: Population, *, reasons: int | None, lang: str | None = None
) -> Iterator[dict[str, Any]]:
    """Score piece by piece and yield one line a lead."""
    columns = score_columns(ws, champion, reasons)
    records = score_population(ws, champion, who, reasons=reasons, lang=lang)
    for lead, record in zip(who.lead.tolist(), records, strict=True):
        row = dict.fromkeys(columns) | {name: record[name] for name in _SCORE}
        row |= {name: values[lead] for name, values in who.tables.leads.contact.items()}
        yield row | {f"reason_{place}": reason["text"] for place, reason in enumerate(record["reasons"], 1)}


def matrices(who: Population, features: FeatureSet) -> Iterator[tuple[FeatureMatrix, list[str]]]:
    """Compute the features of everyone, piece by piece."""
    ids = who.tables.leads.ids
    for matrix in compute_in_pieces(features, who.tables, who.lead, who.as_of, at_once=AT_ONCE):
        yield matrix, [ids[place] for place in matrix.lead_index.tolist()]


def _definition(ws: Workspace, who: Population, say: Say) -> Definition:
    """Return the champion's definition if it says what the file says, else one whose vocabularies are learnt from the data."""
    known = fitting_definition(ws, say)
    if known is not None:
        return known
    vocabulary, categories = learn_vocabulary(ws, who.tables, who.at if who.at is not None else _last(who))
    return ws.definition(vocabulary=vocabulary, categories=categories)


def fitting_definition(ws: Workspace, say: Say) -> Definition | None:
    """Return the champion's definition if it says what the file says."""
    champion = find_champion(ws.name)
    if champion is not None and same_mapping(ws, champion.scorer.definition):
        say(f"Features as version {champion.ref.version} of {ws.name} has them.")
        return champion.scorer.definition
    say("Features as the workspace file has them, with vocabularies learnt from the data as of then.")
    return None


def _last(who: Population) -> int | None:
    return int(np.max(who.as_of)) if len(who.as_of) else None


def _say_when(who: Population, say: Say) -> None:
    """Say as of when leads are looked at, and warn of an instant from which there is nothing to see, or only silence."""
    if who.at is None:
        return
    say(f"As of {format_us(who.at)}.")
    newest, begun = who.tables.newest, who.tables.leads.started_at <= who.at
    if not begun.any():
        say("warning: as of then no lead has started yet.")
    elif who.at - newest > QUIET_DAYS * DAY_US:
        days = (who.at - newest) // DAY_US
        say(f"warning: that is {days:,} days after the newest time in the data ({format_us(newest)}): every lead looks silent.")
