"""What is written into a CRM, and of whom: values of our own properties, each lead with the key that finds its record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from features.clock import format_us
from features.workspace import Workspace
from models.batch import score_population
from models.champion import Champion
from models.population import Population
from models.stages import CUSTOMER, EXPIRED

Value = str | float | None
Kind = Literal["number", "text", "long_text", "time"]

PREFIX = "trialwise_"
"""Of every name that is written: nothing that belongs to others can be."""
DECIMALS = 4
"""A hundredth of a per cent: what moves less than that is not a change."""
REASONS = 3

NO_CONTACT, SAME_CONTACT = "no_contact", "same_contact"


class Property(NamedTuple):
    """One property of ours in the CRM."""

    key: str
    label: str
    kind: Kind
    meaning: str

    @property
    def name(self) -> str:
        """Its name in the CRM."""
        return named(self.key)


def named(key: str) -> str:
    """Return the name in the CRM of one of our values."""
    return PREFIX + key


PROPERTIES = (
    Property("probability", "Trialwise probability", "number", "How likely the trial turns into a payment, 0 to 1."),
    Property("grade", "Trialwise grade", "text", "A is the best 10 % of trials of this age, then B, C and D."),
    Property("stage", "Trialwise stage", "text", "lead, mql, pql, sql, customer or expired."),
    Property("reasons", "Trialwise reasons", "long_text", "What speaks most for and against, one sentence a line."),
    Property("scored_at", "Trialwise scored at", "time", "As of when the lead was looked at."),
)
TIME = "scored_at"
"""The one value that always moves: it is written with the others and is no reason to write."""


@dataclass(frozen=True, slots=True)
class Row:
    """One lead as it is written."""

    lead_id: str
    key: str = field(repr=False)
    """What finds its record: an address, or its id."""
    values: Mapping[str, Value]
    digest: str


def rows_of(
    ws: Workspace, champion: Champion, who: Population, *, by_email: bool, lang: str | None, known: Iterable[str] = ()
) -> tuple[list[Row], dict[str, str]]:
    """Return the open leads as they are written, ordered by id, and why of some leads there is nothing to write.

    Of the leads in ``known``, which were written before, those that pay by now or have ended are there too, without a
    probability. Of several leads with one key the likeliest is written, since a record has room for one.
    """
    made: list[tuple[bool, float, str, dict[str, Value], str]] = []
    left: dict[str, str] = {}
    emails = who.tables.leads.contact.get("email")

    def take(place: int, lead_id: str, values: dict[str, Value]) -> None:
        key = lead_id if not by_email else ("" if emails is None else str(emails[place] or "")).strip().lower()
        if not key:
            left[lead_id] = NO_CONTACT
            return
        probability = values["probability"]
        made.append((probability is None, -float(probability or 0), lead_id, values, key))

    for place, record in zip(who.lead.tolist(), score_population(ws, champion, who, reasons=REASONS, lang=lang), strict=True):
        take(place, str(record["lead_id"]), _values(record))
    for place, lead_id, stage in settled(who, known):
        take(place, lead_id, {one.key: None for one in PROPERTIES} | {"stage": stage, TIME: _time(who)})
    rows: list[Row] = []
    seen: set[str] = set()
    for _, _, lead_id, values, key in sorted(made, key=lambda one: one[:3]):
        if key in seen:
            left[lead_id] = SAME_CONTACT
            continue
        seen.add(key)
        rows.append(Row(lead_id, key, values, _digest(key, values)))
    return sorted(rows, key=lambda row: row.lead_id), left


def settled(who: Population, known: Iterable[str]) -> list[tuple[int, str, str]]:
    """Return which of some leads are open no more: place in the table, id and stage."""
    asked, leads = set(known), who.tables.leads
    if who.at is None or not asked:
        return []
    at = leads.started_at * 0 + who.at
    paid, over = leads.converted_at <= at, leads.had_ended(at)
    ids = enumerate(leads.ids)
    return [(i, one, CUSTOMER if paid[i] else EXPIRED) for i, one in ids if one in asked and (paid[i] or over[i])]


def _values(record: Mapping[str, Any]) -> dict[str, Value]:
    return {
        "probability": round(record["probability"], DECIMALS),
        "grade": record["grade"],
        "stage": record["stage"],
        "reasons": "\n".join(reason["text"] for reason in record["reasons"]),
        TIME: None if record["as_of"] is None else _millis(record["as_of"]),
    }


def _time(who: Population) -> Value:
    return None if who.at is None else _millis(format_us(who.at))


def _millis(text: str) -> str:
    """Return an instant with milliseconds, which is what both CRMs keep.

    >>> _millis("2026-05-07T09:00:00.123456Z")
    '2026-05-07T09:00:00.123Z'
    """
    return text[:-4] + "Z"


def _digest(key: str, values: Mapping[str, Value]) -> str:
    """Return what says whether anything has changed; of an address nothing can be read back from it that is not guessed whole."""
    told = {name: value for name, value in values.items() if name != TIME}
    return hashlib.sha256(json.dumps([key, told], sort_keys=True).encode()).hexdigest()
