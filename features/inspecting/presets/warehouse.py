"""``trialwise init --url``: a workspace file whose tables are queries on a database."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.errors import InputError
from features.inspecting.behaviours import EventGuess, count_names, guess_events
from features.inspecting.columns import Sample
from features.inspecting.presets.call_tables import CallTables
from features.inspecting.presets.choice import has_marks
from features.inspecting.presets.database import Database, TableColumns, connect
from features.inspecting.presets.one_table import Told, tell
from features.inspecting.presets.plain_tables import propose_plain
from features.inspecting.presets.tools import FAMILIES, PRESETS, TOOLS, Tool
from features.inspecting.sections import (
    Query,
    behaviour_lines,
    closing_lines,
    head_lines,
    learning_lines,
    payment_lines,
    start_lines,
)
from features.inspecting.table_sections import attribute_lines, contact_lines, leads_lines
from features.inspecting.tables import Table, properties
from features.inspecting.text import line
from features.names import fold, nearest
from features.reading.column_terms import parse_term
from features.reading.nested import CONTAINERS
from features.reading.source_sql import SqlOrigin


def propose_warehouse(url: str, preset: str | None, *, name: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the text of a workspace file for the tables of a database; without a preset the tables tell which fits."""
    with connect(url, os.environ if environment is None else environment) as database:
        if preset is None:
            preset = _told_by(database)
        if preset is None:
            lines = propose_plain(database, name)
        elif preset in FAMILIES:
            lines = _propose_calls(database, preset, name)
        else:
            lines = _propose_one(database, preset, name)
        if database.shown.startswith("${"):
            lines.insert(
                1, line("", f"Its address is read from the environment: set {database.shown[2:-1]} before you run anything.")
            )
        return "\n".join(lines) + "\n"


def _told_by(database: Database) -> str | None:
    """Return the preset that the tables fit; None unless it is one alone. RudderStack's tables are read as Segment's are."""
    fitting = {preset: _fitting(database, tool) for preset, tool in TOOLS.items()}
    sure = [preset for preset, found in fitting.items() if found and has_marks(TOOLS[preset], found[0].columns)]
    found = sure or [preset for preset, tables in fitting.items() if tables]
    if _call_tables(database, "segment"):
        found.append("rudderstack" if any("rudder" in table.name for table in database.tables) else "segment")
    return found[0] if len(found) == 1 else None


def _call_tables(database: Database, preset: str) -> CallTables | None:
    """Return the tables of calls of the first schema that has those of tracks or pages."""
    for schema in dict.fromkeys(table.schema for table in database.tables):
        mine = {table.name.lower(): table for table in database.tables if table.schema == schema}
        marked = [one for one in ("tracks", "pages") if one in mine and "received_at" in mine[one].columns]
        if marked:
            return CallTables(database, FAMILIES[preset], {name: mine[name] for name in FAMILIES[preset].tables if name in mine})
    return None


def _propose_calls(database: Database, preset: str, name: str) -> list[str]:
    calls = _call_tables(database, preset)
    if calls is None:
        raise _no_table(database, FAMILIES[preset].title, ("tracks", "pages"))
    query = calls.events()
    guess = guess_events(_folded(database.counts(query, "event_name")))
    schema = next(iter(calls.tables.values())).schema
    notes = [f"Read as {FAMILIES[preset].title}: {', '.join(calls.tables)}{f' of schema {schema}' if schema else ''}."]
    told, leads = calls.merges(), _lead_table(database, calls)
    return [
        *head_lines(f"the tables of {_host(database)}", name, *notes),
        *_call_leads(database, calls, leads, guess),
        "  events:",
        *Query(database.shown, query).lines("    "),
        line("    lead: lead_id", "the user, or the visitor while nobody knows who it is"),
        "    name: event_name",
        "    at: event_at",
        "    id: message_id",
        "    received_at: received_at",
        *_zone(),
        *payment_lines(guess),
        *([] if told is None else _merge_lines(database, told)),
        *learning_lines("second", "second"),
        *behaviour_lines(guess),
        *attribute_lines(leads[1] if leads else None),
        *contact_lines(leads[1] if leads else None),
        *closing_lines(),
    ]


def _zone() -> list[str]:
    return [line("    zone: UTC", "for columns without a zone; the tool writes UTC")]


def _lead_table(database: Database, calls: CallTables) -> tuple[str, Table] | None:
    found = calls.leads()
    if found is None:
        return None
    query, columns = found
    sampled = database.sample(query, columns, "leads")
    if sampled is None:
        return None
    keys = {"id": "lead_id", "started_at": "started_at"} | ({"account": "account_id"} if "account_id" in columns else {})
    return query, Table(sampled, keys, {key: sampled.columns[column].evidence for key, column in keys.items()})


def _call_leads(database: Database, calls: CallTables, found: tuple[str, Table] | None, guess: EventGuess) -> list[str]:
    if found is None:
        return start_lines(guess)
    lines = leads_lines(found[1], guess, Query(database.shown, found[0]))
    if "zone" not in "".join(lines[-2:]):
        lines += _zone()
    lines.append(line("    ", _LEAD_NOTES["identifies" if calls.has("identifies", "user_id") else "users"]))
    if guess.starts:
        lines.append(line("    ", f"or, in place of started_at, start: [{', '.join(guess.starts)}]"))
    return lines


_LEAD_NOTES = {
    "identifies": "one row a user, by its first identify call: what was known at sign-up. Visitors without one are no leads",
    "users": "the table holds what is known today: only what never changes may be an attribute",
}


def _merge_lines(database: Database, query: str) -> list[str]:
    return [
        line("  identities:", "who turned out to be whom, from when it was known"),
        *Query(database.shown, query).lines("    "),
        "    from: from_id",
        "    to: to_id",
        "    at: known_at",
        *_zone(),
    ]


def _fitting(database: Database, tool: Tool) -> list[TableColumns]:
    """Return the tables that have a tool's name and could have its columns, all of one schema."""
    for pattern in tool.tables:
        named = [table for table in database.tables if re.fullmatch(pattern, table.name.lower())]
        marked = [table for table in named if _could_have(tool, table)]
        if marked:
            return [table for table in marked if table.schema == marked[0].schema]
    return []


def _could_have(tool: Tool, table: TableColumns) -> bool:
    """A mark may also lie in an object of properties, into which only the rows can look; but not all of them do."""
    open_inside = any(one in table.columns for one in CONTAINERS)
    there = [any(one.lower() in table.columns for one in group) for group in tool.marks]
    return all(there) or (open_inside and sum(there) >= len(there) - 1)


@dataclass(frozen=True, slots=True)
class _Found:
    tables: Sequence[TableColumns]
    sample: Sample
    told: Told


def _propose_one(database: Database, preset: str, name: str) -> list[str]:
    tool = TOOLS[preset]
    found = _look(database, tool)
    told = found.told
    physical = [one for one in found.tables[0].columns.values() if one[0] in _needed(told, found.tables[0])]
    columns = ", ".join(database.quote(one) for one, _ in physical)
    query = all_of(database, found.tables, columns)
    guess = guess_events(_counted(database, told, found))
    source = Query(database.shown, query)
    return [
        *head_lines(f"{found.tables[0].name} of {_host(database)}", name, f"Read as {tool.title}."),
        *start_lines(guess),
        *told.events_lines(source),
        *payment_lines(guess),
        *told.identities_lines(source),
        *learning_lines("second", "second"),
        *told.behaviour_lines(guess),
        *attribute_lines(None),
        *closing_lines(),
    ]


def _look(database: Database, tool: Tool) -> _Found:
    tables = _fitting(database, tool)
    if not tables:
        named = [table for table in database.tables if any(re.fullmatch(one, table.name.lower()) for one in tool.tables)]
        if not named:
            raise _no_table(database, tool.title, tool.tables)
        tables = named[:1]
    columns = [one for one, _ in tables[0].columns.values()]
    sampled = database.sample(f"SELECT * FROM {database.place(tables[0])}", columns, tables[0].name)  # noqa: S608 (a quoted name)
    if sampled is None:
        raise InputError(
            f"table {tables[0].name} is empty", given="no rows", expected="events", do="export again, or name another url"
        )
    return _Found(tables, sampled, tell(tool, sampled))


def _needed(told: Told, table: TableColumns) -> list[str]:
    """Return the table's own columns that the keys and properties read."""
    own = [one for one, _ in table.columns.values()]
    wanted = [*told.columns, *(column.name for column in properties(told.table())[0])]
    return [one for one in own if one in wanted or one.lower() in CONTAINERS]


def _counted(database: Database, told: Told, found: _Found) -> dict[str, int]:
    """Count the events by what they will be called; only the columns that say it are read."""
    term = told.keys["name"]
    own = dict(found.tables[0].columns.values())
    read = [name for choice in parse_term(term) for name in choice.columns]
    inside = [] if all(name in own for name in read) else [name for name in own if name.lower() in CONTAINERS]
    columns = ", ".join(database.quote(name) for name in dict.fromkeys([*(name for name in read if name in own), *inside]))
    return count_names([SqlOrigin(database.url, all_of(database, found.tables, columns))], term)


def all_of(database: Database, tables: Sequence[TableColumns], columns: str) -> str:
    """Return the query of all of some tables; BigQuery knows the days of an export by one name."""
    if len(tables) > 1 and database.engine.dialect.name == "bigquery":
        schema = f"{tables[0].schema}." if tables[0].schema else ""
        return f"SELECT {columns} FROM `{schema}{tables[0].name[:-8]}*`"  # noqa: S608 (names come from the database)
    return "\nUNION ALL\n".join(f"SELECT {columns} FROM {database.place(table)}" for table in tables)  # noqa: S608 (quoted names)


def _folded(counts: Mapping[str, int]) -> dict[str, int]:
    folded: dict[str, int] = {}
    for name, times in counts.items():
        folded[fold(name)] = folded.get(fold(name), 0) + times
    return folded


def _host(database: Database) -> str:
    return database.engine.url.database or database.engine.url.host or "the database"


def _no_table(database: Database, title: str, expected: Sequence[str]) -> InputError:
    names = [table.name for table in database.tables]
    near = nearest(expected[0], names)
    shown = ", ".join(names[:30]) + (", ..." if len(names) > 30 else "")
    do = f"did you mean the table '{near}'? Rename it or make a view" if near else f"choose another of {', '.join(PRESETS)}"
    return InputError(
        f"the database has no table of {title}",
        given=f"the tables {shown}",
        expected=f"a table called {' or '.join(expected)}",
        do=do,
    )
