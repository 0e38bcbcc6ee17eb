"""What if, from the files: an open lead scored as if it had done something more now, number by number as the server answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from features.clock import format_us
from features.errors import InputError
from features.history import EventRow, Plan
from features.names import fold
from features.reading.moments import TimeError, parse_moment
from features.table_leads import live_lead
from features.workspace import Workspace
from models.batch import phrasing
from models.change_phrasing import association, from_to
from models.change_reasons import what_if_record
from models.opened_changes import COLUMNS, WHOLE
from models.population import Population, needs_dates
from models.possible import impossible
from models.scorer import Scorer
from models.usual_events import now_at
from models.what_if import Hypothesis, what_if

Event = str | Mapping[str, Any]
"""The name of an event, or ``{"event": ..., "count": ..., "properties": ...}``."""


def what_if_table(
    ws: Workspace,
    scorer: Scorer,
    leads: Population,
    lead_id: str,
    events: Sequence[Event],
    attributes: Mapping[str, object] | None,
    trial_ends_at: str | None,
) -> pd.DataFrame:
    """Return a row for each reason that is not 0, of the whole difference and of its parts; both scores are attributes.

    Raises
    ------
    InputError
        There is no such open lead, nothing is dated, or what is imagined cannot happen.
    """
    if leads.at is None:
        raise needs_dates("what_if")
    if lead_id not in leads.ids:
        raise InputError("no such open lead", given=repr(lead_id), expected="the id of an open lead", do="take one of list()")
    features, at = scorer.feature_set, leads.at
    plan = Plan(features.definition)
    lead = live_lead(leads.tables, int(leads.lead[leads.ids.index(lead_id)]), at, with_mates=features.over_mates)
    now = now_at(features.definition, lead, at)
    hypothesis = Hypothesis([_row(one, now) for one in events], attributes, _end(trial_ends_at, ws))
    payments = ws.data.conversions.events if ws.data.conversions is not None else ()
    for wrong in impossible(features.definition, plan, lead, at, hypothesis, payments=payments):
        raise InputError("this cannot happen", given=wrong.place, expected=f"something else ({wrong.code})", do=wrong.detail)
    found, words = what_if(scorer, plan, lead, at, hypothesis), phrasing(ws)
    record: dict[str, Any] = what_if_record(found, words, None)
    parts = {WHOLE: record, **record["parts"]}
    rows = [{"part": name, **reason} for name, part in parts.items() for reason in part["reasons"] if reason["points"] != 0]
    table = pd.DataFrame(rows, columns=COLUMNS)
    without, imagined = (_probability(scorer, one.values) for one in (found.without, found.with_it))
    table.attrs = {
        "lead_id": lead_id,
        "as_of": format_us(at),
        "without": without,
        "imagined": imagined,
        "activity": parts["activity"]["points"],
        "step": parts["step"]["points"],
        "text": from_to(words.language, "what_if", without, imagined),
        "association": association(words.language),
    }
    return table


def _row(event: Event, now: int) -> EventRow:
    told: Mapping[str, Any] = {"event": event} if isinstance(event, str) else event
    unknown = set(told) - {"event", "count", "properties"}
    if unknown or not isinstance(told.get("event"), str):
        raise InputError(
            "an event cannot be read",
            given=", ".join(sorted(map(str, told))) or "nothing",
            expected="a name, or event with count and properties",
            do="correct it",
        )
    return EventRow(fold(told["event"]), now, now, int(told.get("count", 1)), dict(told.get("properties") or {}))


def _end(text: str | None, ws: Workspace) -> int | None:
    try:
        return None if text is None else parse_moment(text, timezone=ws.timezone)
    except TimeError:
        raise InputError("trial_ends_at is no time", given=repr(text), expected="2026-05-07", do="write it so") from None


def _probability(scorer: Scorer, values: Any) -> float:
    return float(scorer.probability(scorer.select(scorer.feature_set.names, values))[0])
