"""A database of a tool that nobody knows: its tables are told by their columns, as files are."""

from __future__ import annotations

from features.errors import InputError
from features.inspecting.behaviours import guess_events as guess_behaviours
from features.inspecting.columns import Sample
from features.inspecting.presets.database import Database, TableColumns
from features.inspecting.presets.tools import PRESETS
from features.inspecting.sections import Query, closing_lines, head_lines
from features.inspecting.table_sections import (
    attribute_lines,
    contact_lines,
    conversions_lines,
    events_lines,
    leads_lines,
    mapping_lines,
    time_lines,
)
from features.inspecting.tables import Table, guess_conversions, guess_events, guess_leads
from features.names import fold

_EVENTS = ("event", "events", "tracks", "activity", "activities", "actions", "log", "logs", "olaylar", "ereignisse", "eventos")
_LEADS = ("leads", "users", "customers", "signups", "trials", "contacts", "prospects", "members", "kunden", "clientes")
_PAYMENTS = ("conversions", "payments", "subscriptions", "purchases", "orders", "invoices", "zahlungen", "pagos")


def propose_plain(database: Database, name: str) -> list[str]:
    """Return the lines of a workspace file for tables that are recognised by their names and columns."""
    leads = _named(database, _LEADS)
    events = _named(database, _EVENTS)
    payments = _named(database, _PAYMENTS)
    if events is None:
        raise InputError(
            "no table looks like events",
            given=f"the tables {', '.join(table.name for table in database.tables[:30])}",
            expected=f"a table called {', '.join(_EVENTS[:5])} or the like, or a preset",
            do=f"name the tool that wrote them by --preset {'|'.join(PRESETS)}, or write the workspace file by hand",
        )
    lead_table = guess_leads(_sample(database, leads), dated=True) if leads is not None else None
    event_table = guess_events(_sample(database, events), lead_table)
    payment_table = guess_conversions(_sample(database, payments), lead_table) if payments is not None else None
    query = _query(database, events)
    counts: dict[str, int] = {}
    for one, times in database.counts(query, database.quote(event_table.keys["name"])).items():
        counts[fold(one)] = counts.get(fold(one), 0) + times
    guess = guess_behaviours(counts)
    seen = [table.name for table in (leads, events, payments) if table is not None]

    def source(table: TableColumns | None) -> Query:
        return Query(database.shown, _query(database, table) if table else "")

    tables: list[Table] = [event_table]
    return [
        *head_lines(f"the tables {', '.join(seen)}", name),
        *leads_lines(lead_table, guess, source(leads)),
        *events_lines(tables, source(events)),
        *conversions_lines(payment_table, guess, source(payments), undated=False),
        *time_lines(tables, payment_table),
        *mapping_lines(guess, tables),
        *attribute_lines(lead_table),
        *contact_lines(lead_table),
        *closing_lines(),
    ]


def _named(database: Database, names: tuple[str, ...]) -> TableColumns | None:
    """Return the table that bears the earliest of these names, alone or as a word of its name."""
    by_name = {fold(table.name): table for table in reversed(database.tables)}
    for one in names:
        if one in by_name:
            return by_name[one]
    return next((table for one in names for name, table in by_name.items() if one in name.split("_")), None)


def _query(database: Database, table: TableColumns) -> str:
    return f"SELECT * FROM {database.place(table)}"  # noqa: S608 (a quoted name)


def _sample(database: Database, table: TableColumns) -> Sample:
    found = database.sample(_query(database, table), [one for one, _ in table.columns.values()], table.name)
    if found is None:
        raise InputError(
            f"table {table.name} is empty", given="no rows", expected="rows", do="fill it, or write the file by hand"
        )
    return found
