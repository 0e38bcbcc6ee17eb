"""The work list from files: whom to contact now, best first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from features.workspace import Workspace, load_workspace
from models.batch import Say, score_population
from models.champion import Champion, need_champion
from models.outfile import check_ending, write_rows
from models.population import Asked, Population, find_population

REASONS = 3


def write_list(workspace: Path, *, top: int, out: Path | None, lang: str | None, say: Say) -> Iterator[str]:
    """Yield the open leads that are most likely to pay as lines for people, or write them to a file."""
    if out is not None:
        check_ending(out)
    ws = load_workspace(workspace)
    champion = need_champion(ws.name)
    who = best_first(ws, champion, find_population(ws, Asked(), champion.scorer.definition), top)
    contact = who.tables.leads.contact
    rows = []
    for place, record in zip(who.lead, score_population(ws, champion, who, reasons=REASONS, lang=lang), strict=True):
        row = {key: record[key] for key in ("lead_id", "probability", "grade", "stage")}
        row |= {name: values[place] for name, values in contact.items()}
        row |= {f"reason_{i + 1}": reason["text"] for i, reason in enumerate(record["reasons"])}
        rows.append(row)
    if out is not None:
        reasons = [f"reason_{i + 1}" for i in range(REASONS)]
        kinds = {"lead_id": "text", "probability": "number", "grade": "text", "stage": "text"}
        columns = kinds | dict.fromkeys((*contact, *reasons), "text")
        write_rows(out, ({name: row.get(name) for name in columns} for row in rows), columns)
        say(f"Wrote {len(rows):,} leads to {out}.")
        return
    for row in rows:
        yield f"{row['probability']:6.1%}  {row['grade']}  {row['stage']:<8} {row['lead_id']:<20} {row.get('reason_1') or ''}"


def best_first(ws: Workspace, champion: Champion, who: Population, top: int) -> Population:
    """Return the leads most likely to pay, best first: explaining costs far more than scoring, so only these are explained."""
    if ws.data.undated:  # scored all the same, but whoever has paid is no lead to contact
        who = who.rows(np.flatnonzero(who.tables.leads.converted_flag[who.lead] != 1))
    scores = [record["probability"] for record in score_population(ws, champion, who, reasons=0)]
    ids = who.ids
    return who.rows(sorted(range(len(ids)), key=lambda row: (-scores[row], ids[row]))[:top])
