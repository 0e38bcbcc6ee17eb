"""Guessing what the columns of leads, events and conversions mean."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from features.errors import InputError
from features.inspecting.columns import Column, Sample
from features.inspecting.words import (
    ACCOUNT_COLUMNS,
    AMOUNT_WORDS,
    CONTACT_COLUMNS,
    CONVERSION_TIME_COLUMNS,
    CONVERTED_COLUMNS,
    COUNT_COLUMNS,
    DURATION_WORDS,
    END_COLUMNS,
    LATER_WORDS,
    LEAD_COLUMNS,
    MESSAGE_COLUMNS,
    MISSING_WORDS,
    NAME_COLUMNS,
    PERSONAL_WORDS,
    RECEIVED_COLUMNS,
    START_COLUMNS,
    TIME_COLUMNS,
    TRIAL_END_COLUMNS,
)

_IDS = ("number", "text")
_MANY = 50
_DELIVERED_ONCE = 0.9
"""The share of message ids that must be distinct: deliveries are repeated now and then, a column of kinds repeats always."""


@dataclass(slots=True)
class Table:
    """A table's keys of the workspace file: key -> column, and why."""

    sample: Sample
    keys: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    """For times that are numbers: in which unit they count from 1970 on."""

    def take(self, key: str, column: str | None, note: str = "") -> bool:
        """Give a column a meaning."""
        if column is None:
            return False
        self.keys[key] = column
        self.why[key] = self.sample.columns[column].evidence + (f"; {note}" if note else "")
        return True

    def find(self, key: str, names: tuple[str, ...], kinds: tuple[str, ...], note: str = "") -> bool:
        """Give the first of these columns a meaning, if it is there."""
        return self.take(key, self.sample.pick(names, kinds, self.keys.values()), note)

    def find_time(self, key: str, names: tuple[str, ...]) -> bool:
        """Give the first of these columns that holds times a meaning; numbers that can be times are the second choice."""
        if self.find(key, names, ("time",)):
            return True
        counted = {name: column for name, column in self.sample.columns.items() if column.unit is not None}
        column = replace(self.sample, columns=counted).pick(names, ("number",), self.keys.values())
        if column is None or not self.take(key, column):
            return False
        found = counted[column]
        self.units[key] = str(found.unit)
        self.why[key] = f"numbers; read as {found.unit} since 1970 they lie from {found.first} to {found.last}"
        return True

    def written(self, key: str) -> str:
        """Return what the workspace file says for a key."""
        return f"{self.keys[key]} in {self.units[key]}" if key in self.units else self.keys[key]

    def rest(self) -> list[Column]:
        """Return the columns that mean nothing yet."""
        return [column for name, column in self.sample.columns.items() if name not in self.keys.values()]

    def column(self, key: str) -> Column:
        """Return the column of a key."""
        return self.sample.columns[self.keys[key]]

    def naive(self) -> bool:
        """Tell whether any of its times has no zone."""
        return any(self.sample.columns[name].naive for name in self.keys.values())


def guess_leads(sample: Sample, *, dated: bool) -> Table:
    """Find the columns of the leads; ``dated`` is False when no other table has a time to set the outcome against."""
    table = Table(sample)
    repeating = [name for name, column in sample.columns.items() if column.distinct < column.rows]
    found = (
        table.take("id", sample.pick(LEAD_COLUMNS, _IDS, repeating), "no value twice")
        or table.find("id", LEAD_COLUMNS, _IDS, "values repeat: is this the lead?")
        or table.take(
            "id", next((c.name for c in table.rest() if c.kind in _IDS and c.name not in repeating), None), "no value twice"
        )
    )
    need(table, "id", found, "an id of the lead")
    table.find("converted", CONVERTED_COLUMNS, _IDS)
    if dated or "converted" not in table.keys:
        table.find_time("started_at", START_COLUMNS) or table.find_time("started_at", TIME_COLUMNS)
        table.find_time("ended_at", END_COLUMNS)
        table.find_time("trial_ends_at", TRIAL_END_COLUMNS)
    table.find("account", ACCOUNT_COLUMNS, _IDS)
    return table


def guess_events(sample: Sample, leads: Table | None) -> Table:
    """Find the columns of the events."""
    table = Table(sample)
    _find_lead(table, leads)
    table.find_time("received_at", RECEIVED_COLUMNS)
    found = table.find_time("at", TIME_COLUMNS) or table.take("at", _only(table, "time"), "the only time")
    need(table, "at", found, "a time with date, such as 2026-05-07T09:00:00Z")
    found = table.find("name", NAME_COLUMNS, ("text",)) or table.take("name", _fewest(table), "the text with fewest values")
    need(table, "name", found, "the name of the event")
    table.find("id", MESSAGE_COLUMNS, _IDS)
    if "id" in table.keys and table.column("id").distinct < _DELIVERED_ONCE * table.column("id").rows:
        del table.keys["id"], table.why["id"]
    count = sample.pick(COUNT_COLUMNS, ("number",), table.keys.values())
    if count is not None and sample.columns[count].whole and not {"0", "-1"} & sample.columns[count].values:
        table.take("count", count)
    return table


def guess_conversions(sample: Sample, leads: Table | None) -> Table:
    """Find the columns of the conversions."""
    table = Table(sample)
    _find_lead(table, leads)
    found = table.find_time("at", CONVERSION_TIME_COLUMNS) or table.take("at", _only(table, "time"), "the only time")
    need(table, "at", found, "a time with date, such as 2026-05-07T09:00:00Z")
    return table


def need(table: Table, key: str, found: bool, expected: str) -> None:
    """Refuse a file in which a necessary column cannot be recognised."""
    if not found:
        name = table.sample.name
        shown = ", ".join(f"{column.name} ({column.kind})" for column in list(table.sample.columns.values())[:20])
        raise InputError(
            f"{name} has no column that looks like '{key}'",
            given=f"the columns {shown}" if shown else "no usable columns",
            expected=expected,
            do="rename the column that holds it, or write the workspace file by hand",
        )


def _find_lead(table: Table, leads: Table | None) -> None:
    """Take the column whose values are ids of leads; without a leads table, go by the name."""
    if leads is not None:
        ids = leads.column("id").values
        shares = {
            name: len(column.values & ids) / len(column.values)
            for name, column in table.sample.columns.items()
            if column.kind in _IDS and column.distinct > 1
        }
        best = max(shares, key=lambda name: shares[name], default=None)
        if best is not None and shares[best] >= 0.5:
            table.take("lead", best, f"{shares[best]:.0%} of them are ids of leads")
            return
    need(table, "lead", table.find("lead", LEAD_COLUMNS, _IDS), "the id of the lead")


def _only(table: Table, kind: str) -> str | None:
    found = [column.name for column in table.rest() if column.kind == kind]
    return found[0] if len(found) == 1 else None


def _fewest(table: Table) -> str | None:
    texts = [column for column in table.rest() if column.kind == "text"]
    return min(texts, key=lambda column: (column.distinct, column.name)).name if texts else None


def guess_contact(table: Table) -> dict[str, str]:
    """Find the columns by which people reach a lead."""
    taken = set(table.keys.values()) - {table.keys["id"]}
    found = {key: table.sample.pick(names, ("text",), taken) for key, names in CONTACT_COLUMNS.items()}
    return {key: column for key, column in found.items() if column is not None}


def why_no_attribute(column: Column) -> str | None:
    """Return what speaks against a column as an attribute, None if nothing does."""
    checks = (
        (column.kind == "empty", "empty"),
        (column.distinct == 1, "one value only"),
        (column.kind == "time", "a time; started_at, ended_at or trial_ends_at perhaps"),
        (column.name in ("lead_id", "as_of"), "a name that Trialwise uses itself"),
        (bool(column.words & PERSONAL_WORDS), "personal"),
        (bool(column.words & LATER_WORDS), "its name sounds written or updated later: only if it is known at sign-up"),
        (bool(column.words & {"id", "uuid", "guid", "key", "hash", "token"}), "an id"),
        (
            column.kind == "number" and column.whole and column.rows >= _MANY and column.distinct > 0.95 * column.rows,
            "looks like an id",
        ),
        (column.kind == "text" and column.longest > 100, "free text"),
        (column.kind == "text" and column.distinct > _MANY and column.distinct > 0.3 * column.rows, "ids or free text"),
    )
    return next((reason for speaks, reason in checks if speaks), None)


def missing_words(columns: list[Column]) -> tuple[str, ...]:
    """Return the words in these columns that mean that nothing is known."""
    return tuple(word for word in MISSING_WORDS if any(column.kind == "text" and word in column.values for column in columns))


def properties(table: Table) -> tuple[list[Column], str | None, str | None]:
    """Return the columns of events that are worth reading, and which of them are a duration and an amount."""
    useful = [
        column for column in table.rest() if column.kind == "number" or (column.kind == "text" and column.distinct <= _MANY)
    ]
    useful = [column for column in useful if not column.words & {"id", "uuid", *PERSONAL_WORDS}]
    # What lies deeper is the tool's own context; and a number that may be a time is more likely one than a property.
    useful = [column for column in useful if "." not in column.name and column.unit is None]
    numbers = [column for column in useful if column.kind == "number"]
    duration = next((column.name for column in numbers if column.words & DURATION_WORDS), None)
    amount = next((column.name for column in numbers if column.words & AMOUNT_WORDS), None)
    return useful, duration, amount
