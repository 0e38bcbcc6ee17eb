"""What was said about a lead: its times, attributes and traits, and whether it is one that the workspace asks for.

The first value that says something counts, and of a time that may change, the last. Whatever was sent that means nothing is not
accepted and does no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from features.definition import Definition
from features.exact import number
from features.names import matches
from features.reading.cells import cell_text
from features.reading.moments import TimeError, parse_moment
from features.storing.rows import Fact
from features.storing.sent_names import Names
from features.workspace import Workspace
from features.workspaces.conditions import holds
from features.workspaces.data import LeadsSpec

CREATED_AT = "createdAt"
"""The trait that says when somebody signed up, where the workspace names no other."""


class FactReader:
    """Read what was said by one workspace and the definition of one model."""

    def __init__(self, workspace: Workspace, definition: Definition) -> None:
        self._workspace = workspace
        self._spec = workspace.data.leads
        self._definition = definition
        self.missing = missing_words(workspace)
        self.names = Names(names_asked(workspace, definition))

    def known_by(self, facts: Sequence[Fact], as_of: int) -> list[Fact]:
        """Return what was known of a lead by an instant, under the names that are asked for."""
        found: list[Fact] = []
        for fact in facts:
            if fact.known_at > as_of:
                continue
            # Facts of a table have our own names for what they are; only what was sent may be spelt or packed otherwise.
            name = None if fact.kind == "fact" else self.names.find(fact.name)
            found.append(fact if name in (None, fact.name) else replace(fact, name=name))
            if fact.kind != "fact":
                found += [replace(fact, name=name, value=value) for name, value in self.names.inside(fact.name, fact.value)]
        return found

    def started_at(self, facts: Sequence[Fact]) -> int | None:
        """Return the first start that was stated, else createdAt."""
        for stated in (self.times(facts, "started_at"), self._parsed(facts, "trait", CREATED_AT)):
            if stated:
                return stated[0][0]
        return None

    def times(self, facts: Sequence[Fact], name: str) -> list[tuple[int, int]]:
        """Return what was said of a time of the lead, by a table or by the trait of that column, with when it was known."""
        column = _column(self._spec, name) or name
        found = [(int(fact.value), fact.known_at) for fact in facts if fact.kind == "fact" and fact.name == name]
        found += self._parsed(facts, "trait", column)
        found.sort(key=lambda pair: pair[1])
        return found

    def _parsed(self, facts: Sequence[Fact], kind: str, name: str) -> list[tuple[int, int]]:
        """Return the values of a trait that are times; whatever else was sent under that name is not accepted."""
        zone = self._spec.zone if self._spec is not None else None
        found = []
        for fact in facts:
            if fact.kind == kind and fact.name == name and isinstance(fact.value, str):
                try:
                    found.append((parse_moment(fact.value, timezone=self._workspace.timezone, zone=zone), fact.known_at))
                except TimeError:
                    continue
        return found

    def attributes(self, facts: Sequence[Fact]) -> dict[str, tuple[object, int]]:
        """Return the first value of each attribute and trait that says something, with when it was known."""
        kinds = self._definition.attributes
        found: dict[str, tuple[object, int]] = {}
        for fact in facts:
            if fact.kind == "fact" or fact.name in found:
                continue
            if not says_something(fact.value, self.missing):
                continue
            if kinds.get(fact.name) == "number" and number(fact.value) is None:
                continue
            found[fact.name] = (fact.value, fact.known_at)
        return found

    def is_inside(self, facts: Sequence[Fact]) -> bool:
        """Tell whether the lead is one of those that `where` asks for; what nobody said excludes nobody."""
        where = self._spec.where if self._spec is not None else {}
        first = {fact.name: fact.value for fact in reversed(facts) if fact.name in where}
        return all(holds(value, operator, wanted) for name, value in first.items() for operator, wanted in where[name].items())

    def is_ignored(self, facts: Sequence[Fact]) -> bool:
        """Tell whether the lead is a test account or the like."""
        columns: dict[str, str] = {str(name): column for name, column in self._workspace.contact.items()}
        ignore = {columns.get(name, name): patterns for name, patterns in self._workspace.ignore.items()}
        return any(
            (fact.kind == "fact" and fact.name == "ignored")
            or any(matches(pattern.lower(), cell_text(fact.value).lower()) for pattern in ignore.get(fact.name, ()))
            for fact in facts
        )


def names_asked(workspace: Workspace, definition: Definition) -> set[str]:
    """Return the names of everything that anybody wants to know of a lead."""
    spec = workspace.data.leads
    columns = [_column(spec, name) or name for name in ("started_at", "ended_at", "trial_ends_at")]
    traits = [trait for behaviour in definition.behaviours.values() for trait in behaviour.traits]
    where = spec.where if spec is not None else {}
    contact = [*workspace.contact.values(), *workspace.ignore]
    return {CREATED_AT, *columns, *traits, *definition.attributes, *where, *contact}


def missing_words(workspace: Workspace) -> frozenset[str]:
    """Return the values that mean, by the workspace file, that nothing is known."""
    spec = workspace.data.leads
    return frozenset(cell_text(value) for value in spec.missing) if spec is not None else frozenset()


def says_something(value: object, missing: Collection[str]) -> bool:
    """Tell whether a value says anything about a lead, by the rule by which the tables are read.

    >>> says_something("DE", {"Select"}), says_something("Select", {"Select"}), says_something("", ()), says_something(0, ())
    (True, False, False, True)
    """
    return value is not None and value != "" and cell_text(value) not in missing


def _column(spec: LeadsSpec | None, name: str) -> str | None:
    found = getattr(spec, name) if spec is not None else None
    return None if found is None else str(found)
