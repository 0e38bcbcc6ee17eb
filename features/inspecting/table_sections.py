"""The sections of a proposed workspace file that tell tables which were recognised by their columns."""

from __future__ import annotations

from collections.abc import Sequence

from features.inspecting.behaviours import EventGuess
from features.inspecting.sections import Source, behaviour_lines, learning_lines, payment_lines, start_lines
from features.inspecting.tables import Table, guess_contact, missing_words, properties, why_no_attribute
from features.inspecting.text import line, listed, quoted


def _table_lines(name: str, tables: Sequence[Table], source: Source) -> list[str]:
    table = tables[0]
    lines = [f"  {name}:", *source.lines("    ")]
    lines += [line(f"    {key}: {quoted(table.written(key))}", table.why[key]) for key in table.keys]
    if any(one.naive() for one in tables):
        lines.append(line("    zone: UTC", "no zone is written in its times: confirm this one or name another"))
    return lines


def leads_lines(table: Table | None, guess: EventGuess, source: Source) -> list[str]:
    """Write the section of the leads, or where they come from without one."""
    if table is None:
        return start_lines(guess)
    lines = _table_lines("leads", [table], source)
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


def events_lines(tables: Sequence[Table], source: Source) -> list[str]:
    """Write the section of the events."""
    if not tables:
        return []
    lines = _table_lines("events", tables, source)
    return lines + property_lines(tables[0])


def property_lines(table: Table) -> list[str]:
    """Write which properties of events are worth reading."""
    useful, _, _ = properties(table)
    shown = ", ".join(f"{column.name}: {column.evidence}" for column in useful)
    return [line(f"    properties: {listed(column.name for column in useful)}", shown)] if useful else []


def conversions_lines(table: Table | None, guess: EventGuess, source: Source, *, undated: bool) -> list[str]:
    """Write the section of the conversions, or the events that mean a payment."""
    if table is not None:
        return _table_lines("conversions", [table], source)
    if not guess.payments and undated:
        return [line("  ", "no dates: one row a lead with its outcome; figures will not be time-forward")]
    return payment_lines(guess)


def time_lines(events: Sequence[Table], conversions: Table | None) -> list[str]:
    """Write how finely time is known, as the times themselves show."""

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
    return learning_lines(of_events, of_conversions, notes)


def mapping_lines(guess: EventGuess, events: Sequence[Table]) -> list[str]:
    """Write which events mean which behaviour."""
    _, duration, amount = properties(events[0]) if events else ([], None, None)
    return behaviour_lines(guess, duration, amount)


def attribute_lines(table: Table | None) -> list[str]:
    """Write which columns of the leads may be learnt from, and what speaks against the others."""
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


def contact_lines(table: Table | None) -> list[str]:
    """Write by which columns people reach a lead."""
    contact = guess_contact(table) if table is not None else {}
    if not contact:
        return []
    shown = ", ".join(f"{key}: {quoted(column)}" for key, column in contact.items())
    lines = [line(f"contact: {{{shown}}}", "carried to lists; never a feature, never logged")]
    if "email" in contact:
        lines.append(f'# ignore: {{{quoted(contact["email"])}: ["*@your-company.com"]}}   # test accounts')
    return lines
