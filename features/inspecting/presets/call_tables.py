"""The tables that Segment and RudderStack write, one for each kind of call, told as the queries of a workspace file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.errors import InputError
from features.inspecting.presets.database import Database, TableColumns
from features.inspecting.presets.tools import Family
from features.names import nearest

_OWN = ("created_at", "started_at", "lead_id", "account_id", "nth_call")
"""Names that the query of the leads uses itself."""


@dataclass(frozen=True, slots=True)
class CallTables:
    """The tables of one source, by the kind of call."""

    database: Database
    family: Family
    tables: Mapping[str, TableColumns]

    def has(self, table: str, *columns: str) -> bool:
        """Tell whether a table is there and has these columns."""
        return table in self.tables and all(one in self.tables[table].columns for one in columns)

    def name(self, table: str, column: str) -> str:
        """Return a column as the database writes it."""
        return self.database.quote(self.tables[table].columns[column][0])

    def first(self, table: str, *columns: str) -> str:
        """Return the first of these columns that a table has."""
        found = next((one for one in columns if self.has(table, one)), None)
        if found is None:
            known = [name for name, _ in self.tables[table].columns.values()]
            near = nearest(columns[0], known)
            raise InputError(
                f"table {self.tables[table].name} has no column '{columns[0]}'",
                given=f"the columns {', '.join(known[:30])}",
                expected=f"{' or '.join(columns)}, as in {self.family.title}",
                do=f"did you mean another table? Its nearest column is '{near}'" if near else "check the schema of the table",
            )
        return self.name(table, found)

    def lead(self, table: str) -> str:
        """Return whose row it is: the user, or else the visitor."""
        found = [self.name(table, one) for one in self.family.lead if self.has(table, one)]
        return f"COALESCE({', '.join(found)})" if len(found) > 1 else self.first(table, *self.family.lead)

    def place(self, table: str) -> str:
        """Return the table as the database writes it."""
        return self.database.place(self.tables[table])

    def events(self) -> str:
        """Return the query of the events: what was tracked, and pages and screens by their path or name."""
        parts = []
        for table, event in self._names():
            at, received = self.first(table, *self.family.at), self.first(table, "received_at", *self.family.at)
            parts.append(
                f"SELECT {self.first(table, 'id')} AS message_id, {self.lead(table)} AS lead_id, {event} AS event_name,\n"
                f"       {at} AS event_at, {received} AS received_at\n"
                f"FROM {self.place(table)} WHERE {self.lead(table)} IS NOT NULL AND {event} IS NOT NULL"
            )
        return "\nUNION ALL\n".join(parts)

    def _names(self) -> list[tuple[str, str]]:
        names = [("tracks", self.first("tracks", *self.family.event))] if "tracks" in self.tables else []
        for table, kind in (("pages", "page"), ("screens", "screen")):
            wanted = self.family.page if table == "pages" else ("name",)
            found = [f"'{kind}:' || NULLIF({self.name(table, one)}, '')" for one in wanted if self.has(table, one)]
            if found:
                names.append((table, f"COALESCE({', '.join(found)})" if len(found) > 1 else found[0]))
        return names

    def leads(self) -> tuple[str, list[str]] | None:
        """Return the query of the leads and its traits; None where nothing says who they are.

        The first identify call of a user is what was known at sign-up; the table of users holds what is known today.
        """
        if self.has("identifies", "user_id"):
            return self._first_told()
        return self._users() if self.has("users", "id") else None

    def _first_told(self) -> tuple[str, list[str]]:
        user, at = self.name("identifies", "user_id"), self.first("identifies", *self.family.at)
        traits = self.traits("identifies")
        shown = [self.name("identifies", one) for one in traits]
        rows = ", ".join([user, f"{self._started('identifies', at)} AS started_at", *shown])
        order = f"PARTITION BY {user} ORDER BY {at}, {self.first('identifies', 'id', 'received_at')}"
        inner = f"SELECT {rows},\n         ROW_NUMBER() OVER ({order}) AS nth_call"
        inner += f"\n  FROM {self.place('identifies')} WHERE {user} IS NOT NULL"
        account, join = self._account(f"told.{user}")
        wanted = ", ".join([f"told.{user} AS lead_id", "told.started_at", *account, *(f"told.{one}" for one in shown)])
        return f"SELECT {wanted}\nFROM (\n  {inner}\n) told{join}\nWHERE told.nth_call = 1", self._columns("identifies", traits)

    def _users(self) -> tuple[str, list[str]]:
        traits = self.traits("users")
        started = self._started("users", self.first("users", "received_at", *self.family.at))
        account, join = self._account(f"told.{self.name('users', 'id')}")
        shown = [f"told.{self.name('users', one)}" for one in traits]
        wanted = ", ".join([f"told.{self.name('users', 'id')} AS lead_id", f"{started} AS started_at", *account, *shown])
        return f"SELECT {wanted}\nFROM {self.place('users')} told{join}", self._columns("users", traits)

    def _columns(self, table: str, traits: Sequence[str]) -> list[str]:
        account = ["account_id"] if self.has("groups", "user_id", "group_id") else []
        return ["lead_id", "started_at", *account, *(self.tables[table].columns[one][0] for one in traits)]

    def _started(self, table: str, otherwise: str) -> str:
        created = self.tables[table].columns.get("created_at")
        return f"COALESCE({self.name(table, 'created_at')}, {otherwise})" if created and created[1] else otherwise

    def _account(self, user: str) -> tuple[list[str], str]:
        if not self.has("groups", "user_id", "group_id"):
            return [], ""
        who, what, at = self.name("groups", "user_id"), self.name("groups", "group_id"), self.first("groups", *self.family.at)
        inner = f"SELECT {who}, {what} AS account_id, ROW_NUMBER() OVER (PARTITION BY {who} ORDER BY {at}, {what}) AS nth_call"
        inner += f"\n  FROM {self.place('groups')} WHERE {who} IS NOT NULL AND {what} IS NOT NULL"
        return ["joined.account_id"], f"\nLEFT JOIN (\n  {inner}\n) joined ON joined.{who} = {user} AND joined.nth_call = 1"

    def traits(self, table: str) -> list[str]:
        """Return what a table says about people beside what the tool adds itself."""
        family, columns = self.family, self.tables[table].columns
        return [one for one in columns if one not in (*family.standard, *_OWN) and not one.startswith(family.prefixes)]

    def merges(self) -> str | None:
        """Return the query of who turned out to be whom, from when it was known; None where no table says it."""
        parts = []
        if self.has("identifies", "user_id", "anonymous_id"):
            parts.append(("identifies", "anonymous_id"))
        if self.has("aliases", "user_id", "previous_id"):
            parts.append(("aliases", "previous_id"))
        queries = []
        for table, before in parts:
            known = self.first(table, "received_at", *self.family.at)
            old, new = self.name(table, before), self.name(table, "user_id")
            queries.append(
                f"SELECT {old} AS from_id, {new} AS to_id, MIN({known}) AS known_at\n"
                f"FROM {self.place(table)} WHERE {old} IS NOT NULL AND {new} IS NOT NULL AND {old} <> {new} GROUP BY {old}, {new}"
            )
        return "\nUNION ALL\n".join(queries) or None
