"""The work list from files: whom to contact now, best first, why, what has changed since last week, and what to do next.

On it are the open leads that nobody has spoken to in the last 14 days. `steady.py` says why it holds still from day to day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US
from features.reading.contacts_table import last_contacts
from features.reading.moments import parse_moment
from features.workspace import Workspace, load_workspace
from models.batch import Say, score_population
from models.champion import Champion, need_champion
from models.listed_steps import next_plays
from models.outfile import check_ending
from models.population import Asked, Population, find_population
from models.spreadsheet import ENDINGS, write_table
from models.steady import REST_DAYS, steady_top, week_start

REASONS = 3

KINDS = {"lead_id": "text", "probability": "number", "grade": "text", "stage": "text"}
LATER = {"change": "number", "next_step": "text", "language": "text"}


def write_list(workspace: Path, *, top: int, out: Path | None, lang: str | None, say: Say) -> Iterator[str]:
    """Yield the open leads that are most likely to pay as lines for people, or write them to a file."""
    if out is not None:
        check_ending(out, ENDINGS)
    ws = load_workspace(workspace)
    champion = need_champion(ws.name)
    who = find_population(ws, Asked(), champion.scorer.definition)
    rows = list_rows(ws, champion, best_first(ws, champion, who, top, say), lang)
    if out is not None:
        columns = list_columns(ws)
        write_table(out, [{name: row.get(name) for name in columns} for row in rows], columns)
        say(f"Wrote {len(rows):,} leads to {out}.")
        return
    for row in rows:
        change = "-" if row["change"] is None else f"{100 * row['change']:+.1f}"
        told = row["reason_1"] or ""
        yield f"{row['probability']:6.1%} {change:>6}  {row['grade']}  {row['stage']:<8} {row['lead_id']:<20} {told}"


def list_columns(ws: Workspace) -> dict[str, str]:
    """Return the columns of the list, with their types."""
    reasons = [f"reason_{place + 1}" for place in range(REASONS)]
    return KINDS | dict.fromkeys((*ws.contact, *reasons), "text") | LATER


def list_rows(ws: Workspace, champion: Champion, who: Population, lang: str | None = None) -> list[dict[str, Any]]:
    """Return the leads of the list with their reasons, their change since last week and what to do next, in that order."""
    language = lang or ws.language
    before = then(ws, champion, who, None if who.at is None else who.at - 7 * DAY_US)
    contact = who.tables.leads.contact
    rows = []
    records = list(score_population(ws, champion, who, reasons=REASONS, lang=lang))
    steps = next_plays(ws, champion.scorer, who, records)
    for place, was, record, step in zip(who.lead.tolist(), before.tolist(), records, steps, strict=True):
        row = dict.fromkeys(list_columns(ws)) | {key: record[key] for key in KINDS}
        row |= {name: values[place] for name, values in contact.items() if name in ws.contact}
        row |= {f"reason_{i + 1}": reason["text"] for i, reason in enumerate(record["reasons"])}
        change = None if was != was else record["probability"] - was
        rows.append(row | {"change": change, "next_step": step and step.text(language), "language": language})
    return rows


def best_first(ws: Workspace, champion: Champion, who: Population, top: int, say: Say | None = None) -> Population:
    """Return the leads to contact, best first: explaining costs far more than scoring, so only these are explained."""
    if ws.data.undated:  # scored all the same, but whoever has paid is no lead to contact
        who = who.rows(np.flatnonzero(who.tables.leads.converted_flag[who.lead] != 1))
        now, ids = _probabilities(ws, champion, who), who.ids
        return who.rows(sorted(range(len(ids)), key=lambda row: (-now[row], ids[row]))[:top])
    who = not_contacted(ws, who, say)
    if who.at is None or not len(who.lead):
        return who
    records = list(score_population(ws, champion, who, reasons=0))
    now = np.array([record["probability"] for record in records], dtype=np.float64)
    heard = np.array([parse_moment(str(record["features_as_of"]), timezone="UTC") for record in records], dtype=np.int64)
    since = np.maximum(heard, who.tables.leads.started_at[who.lead])
    instants = np.minimum(np.maximum(since, week_start(who.at, ws.timezone)), who.at)
    held = _probabilities(ws, champion, replace(who, as_of=instants, at=None))
    return who.rows(steady_top(who.ids, now, held, top))


def not_contacted(ws: Workspace, who: Population, say: Say | None = None) -> Population:
    """Return those whom nobody has spoken to in the last 14 days, as far as the table of contacts says."""
    if who.at is None or ws.data.contacts is None:
        return who
    last, report = last_contacts(ws, who.tables.leads.ids, who.at)
    resting = last[who.lead] > who.at - REST_DAYS * DAY_US
    if say is not None:
        refused = 0 if report is None else report.refused_count
        say(f"{int(resting.sum()):,} open leads were contacted in the last {REST_DAYS} days and are left out.")
        if refused:
            say(f"warning: {refused:,} rows of contacts could not be read.")
    return who.rows(np.flatnonzero(~resting))


def then(ws: Workspace, champion: Champion, who: Population, instant: int | None) -> NDArray[np.float64]:
    """Return what the probability of each lead was at an instant; NaN for who was no lead then, and without dates."""
    found = np.full(len(who.lead), np.nan)
    if instant is None:
        return found
    there = np.flatnonzero(who.tables.leads.started_at[who.lead] <= instant)
    moments = np.full(len(there), instant, dtype=np.int64)
    past = Population(who.tables, who.lead[there], moments, who.left_out, instant)
    found[there] = _probabilities(ws, champion, past)
    return found


def _probabilities(ws: Workspace, champion: Champion, who: Population) -> NDArray[np.float64]:
    return np.array([record["probability"] for record in score_population(ws, champion, who, reasons=0)], dtype=np.float64)
