"""``trialwise init``: write a workspace file by looking at the data. Every guess says what it rests on; a person corrects it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from features.errors import InputError
from features.inspecting.behaviours import EventGuess, count_names
from features.inspecting.behaviours import guess_events as guess_behaviours
from features.inspecting.columns import SAMPLE_ROWS, Sample, sample
from features.inspecting.tables import (
    Table,
    guess_contact,
    guess_conversions,
    guess_events,
    guess_leads,
    missing_words,
    need,
    properties,
    why_no_attribute,
)
from features.inspecting.text import line, listed, quoted
from features.reading.sources import open_file

_MOST_UNMAPPED = 60


def propose(
    events: Sequence[Path],
    leads: Path | None = None,
    conversions: Path | None = None,
    *,
    folder: Path | None = None,
    name: str | None = None,
) -> str:
    """Return the text of a workspace file for these data; ``folder`` is where it will stand, so that its paths start there."""
    files = [*events, *(path for path in (leads, conversions) if path is not None)]
    if not events and leads is None:
        raise InputError("there is nothing to look at", given="no file", expected="events, leads or both", do="name a file")
    lead_table = guess_leads(sample(leads), dated=bool(events) or conversions is not None) if leads is not None else None
    event_tables = [guess_events(one, lead_table) for one in _alike([sample(path) for path in events])]
    conversion_table = guess_conversions(sample(conversions), lead_table) if conversions is not None else None
    guess = guess_behaviours(_counts(event_tables))
    undated = lead_table is not None and not events and conversions is None and "converted" in lead_table.keys
    if lead_table is not None and not events and not undated:
        need(lead_table, "started_at", "started_at" in lead_table.keys, "the time at which the trial started")
    where = folder or Path()
    lines = [
        f"# Written by trialwise init from {', '.join(path.name for path in files)}.",
        f"# Every guess says what it rests on: the first {SAMPLE_ROWS:,} rows of each file at most. Events are counted in full.",
        "# Correct what is wrong; then run: trialwise check -w THIS_FILE",
        "version: 1",
        line(f"name: {quoted(name or _name(files[0]))}", "also the MLflow experiment and the registered model"),
        line("language: en", "en, tr or de"),
        line("timezone: UTC", "whose days and hours count? an IANA name such as Europe/Istanbul"),
        "data:",
        *_leads_lines(lead_table, guess, where),
        *_events_lines(event_tables, where),
        *_conversions_lines(conversion_table, guess, where, undated=undated),
        *_time_lines(event_tables, conversion_table),
        *_behaviour_lines(guess, event_tables),
        *_attribute_lines(lead_table),
        *_contact_lines(lead_table),
        "exclude: []",
        "allow: []",
        line("capacity: {contacts_per_week: 50}", "how many leads can be contacted in a week?"),
    ]
    return "\n".join(lines) + "\n"


def _name(path: Path) -> str:
    folder = re.sub(r"[^a-z0-9]+", "_", path.absolute().parent.name.lower()).strip("_")
    return folder[:64] or "my_product"


def _alike(samples: list[Sample]) -> list[Sample]:
    """Check that several files of events have the columns of the first, since one section describes them all."""
    for other in samples[1:]:
        if not set(samples[0].columns) & set(other.columns):
            raise InputError(
                f"{other.path.name} has no column of {samples[0].path.name}",
                given=", ".join(list(other.columns)[:20]),
                expected=", ".join(list(samples[0].columns)[:20]),
                do="give files of events with the same columns",
            )
    return samples


def _counts(tables: Sequence[Table]) -> dict[str, int]:
    return count_names([open_file(table.sample.path) for table in tables], tables[0].keys["name"]) if tables else {}


def _source(paths: Sequence[Path], where: Path) -> str:
    shown = [os.path.relpath(path, where) if not path.is_absolute() or where.is_absolute() else str(path) for path in paths]
    return quoted(shown[0]) if len(shown) == 1 else listed(shown)


def _table_lines(name: str, tables: Sequence[Table], where: Path) -> list[str]:
    table = tables[0]
    lines = [f"  {name}:", f"    source: {_source([one.sample.path for one in tables], where)}"]
    lines += [line(f"    {key}: {quoted(column)}", table.why[key]) for key, column in table.keys.items()]
    if any(one.naive() for one in tables):
        lines.append(line("    zone: UTC", "no zone is written in its times: confirm this one or name another"))
    return lines


def _leads_lines(table: Table | None, guess: EventGuess, where: Path) -> list[str]:
    if table is None:
        if guess.starts:
            return ["  leads:", line(f"    start: {listed(guess.starts)}", "events that seem to start a trial")]
        return [line("  ", "no leads: a lead starts at its first event")]
    lines = _table_lines("leads", [table], where)
    if "started_at" not in table.keys and guess.starts:
        lines.append(line(f"    start: {listed(guess.starts)}", "events that seem to start a trial"))
    elif "started_at" not in table.keys and "converted" not in table.keys:
        lines.append(line("    ", "started_at: no time was recognised, so a lead starts at its first event"))
    words = missing_words(table.rest())
    if words:
        lines.append(line(f"    missing: {listed(words)}", "words that seem to mean that nothing is known"))
    if table.sample.unnamed:
        lines.append(line("    ", f"without a usable name, and left out: {table.sample.unnamed} of the columns"))
    return lines


def _events_lines(tables: Sequence[Table], where: Path) -> list[str]:
    if not tables:
        return []
    useful, _, _ = properties(tables[0])
    lines = _table_lines("events", tables, where)
    if useful:
        shown = ", ".join(f"{column.name}: {column.evidence}" for column in useful)
        lines.append(line(f"    properties: {listed(column.name for column in useful)}", shown))
    return lines


def _conversions_lines(table: Table | None, guess: EventGuess, where: Path, *, undated: bool) -> list[str]:
    if table is not None:
        return _table_lines("conversions", [table], where)
    if guess.payments:
        return ["  conversions:", line(f"    events: {listed(guess.payments)}", "events that seem to be the payment")]
    if undated:
        return [line("  ", "no dates: one row a lead with its outcome; figures will not be time-forward")]
    return [
        line("  ", "conversions: not found. Without them there is nothing to learn from; add a table or the events of a payment")
    ]


def _time_lines(events: Sequence[Table], conversions: Table | None) -> list[str]:
    def resolution(tables: Sequence[Table]) -> tuple[str, str]:
        columns = [table.column("at") for table in tables]
        if columns and all(column.bare_dates for column in columns):
            return "day", "bare dates"
        return "second", "all at midnight: write day if only the day is known" if columns and all(
            c.midnights for c in columns
        ) else ""

    of_events, why_events = resolution(events)
    of_conversions, why_conversions = resolution([conversions] if conversions is not None else events)
    notes = [f"{what}: {why}" for what, why in (("events", why_events), ("conversions", why_conversions)) if why]
    return [
        line(f"resolution: {{events: {of_events}, conversions: {of_conversions}}}", "; ".join(notes) or "or day"),
        line("trial: {days: 14}", "how long is your trial? {days: none} if it never ends"),
        line("label: {horizon_days: 30}", "a lead counts as converted when it pays within so many days"),
    ]


def _behaviour_lines(guess: EventGuess, events: Sequence[Table]) -> list[str]:
    _, duration, amount = properties(events[0]) if events else ([], None, None)
    extras = {"session": ("duration", duration), "add_on": ("amount", amount)}
    lines = [line("behaviours:", "your events -> the behaviours that features and reasons speak of; by the words in their names")]
    for behaviour, patterns in guess.behaviours.items():
        key, column = extras.get(behaviour, ("", None))
        extra = f", {key}: {quoted(column)}" if column is not None else ""
        note = f"{guess.taken[behaviour]:,} events" + ("; duration in seconds?" if key == "duration" and extra else "")
        lines.append(line(f"  {behaviour}: {{events: {listed(patterns)}{extra}}}", note))
    for what, names in (("payment", guess.payments), ("start of the trial", guess.starts)):
        if names:
            lines.append(line("  ", f"not mapped on purpose, being the {what}: {', '.join(names)}"))
    return lines + _unmapped_lines(guess.unmapped)


def _unmapped_lines(unmapped: Mapping[str, int]) -> list[str]:
    if not unmapped:
        return []
    shown = list(unmapped.items())[:_MOST_UNMAPPED]
    lines = [line("  ", "not mapped; each distinct name that is a feature of the product belongs under core_use:")]
    lines += [line("  ", f"{name}: {count:,} events") for name, count in shown]
    if len(unmapped) > len(shown):
        lines.append(line("  ", f"and {len(unmapped) - len(shown):,} more names"))
    return lines


def _attribute_lines(table: Table | None) -> list[str]:
    lines = [line("attributes:", "what is known at sign-up, and never changes after")]
    contact = set(guess_contact(table).values()) if table is not None else set()
    for column in table.rest() if table is not None else ():
        if column.name in contact:
            continue
        against = why_no_attribute(column)
        kind = "number" if column.kind == "number" else "category"
        entry = f"{quoted(column.name)}: {kind}"
        lines.append(
            line(f"  {entry}", column.evidence) if against is None else line(f"  # {entry}", f"{against}; {column.evidence}")
        )
    return lines


def _contact_lines(table: Table | None) -> list[str]:
    contact = guess_contact(table) if table is not None else {}
    if not contact:
        return []
    shown = ", ".join(f"{key}: {quoted(column)}" for key, column in contact.items())
    lines = [line(f"contact: {{{shown}}}", "carried to lists; never a feature, never logged")]
    if "email" in contact:
        lines.append(f'# ignore: {{{quoted(contact["email"])}: ["*@your-company.com"]}}   # test accounts')
    return lines
