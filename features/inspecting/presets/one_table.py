"""What a tool keeps in one table or file of events, told as the sections of a workspace file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.errors import InputError
from features.inspecting.behaviours import EventGuess
from features.inspecting.columns import Column, Sample
from features.inspecting.presets.choice import has_marks, missing_marks, told_by, usable
from features.inspecting.presets.tools import Tool
from features.inspecting.sections import Source
from features.inspecting.table_sections import mapping_lines, property_lines
from features.inspecting.tables import Table
from features.inspecting.text import line, quoted
from features.reading.column_terms import parse_term

_OWN = ("$", "mp_", "[Amplitude]", "ga_", "etl_", "refr_", "br_", "os_", "dvce_", "geo_", "page_")
"""What tools put before the names of what they collect themselves, which says little of the product."""


@dataclass(frozen=True, slots=True)
class Told:
    """A tool's events with the columns that this export has."""

    tool: Tool
    sample: Sample
    keys: Mapping[str, str]
    """Keys of data.events: what the file says for each."""
    why: Mapping[str, str]
    merges: tuple[str, str] | None

    @property
    def columns(self) -> list[str]:
        """Every column that a key or a property reads."""
        terms = [*self.keys.values(), *(self.merges or ())]
        read = [name for term in terms for choice in parse_term(term) for name in choice.columns]
        return list(dict.fromkeys(read))

    def table(self) -> Table:
        """Return the columns as a table whose other columns may be properties."""
        read = {name.rpartition(".")[2] if "[" not in name else name for name in self.columns} | set(self.columns)
        dull = {name for name, column in self.sample.columns.items() if column.distinct < 2 or name.startswith(_OWN)}
        return Table(self.sample, keys={name: name for name in sorted(read | dull | set(self.tool.dull))})

    def events_lines(self, source: Source) -> list[str]:
        """Write the section of the events."""
        lines = ["  events:", *source.lines("    "), *(line("    ", note) for note in self.tool.notes)]
        lines += [line(f"    {key}: {quoted(value)}", self.why[key]) for key, value in self.keys.items()]
        lines += zone_lines(self.naive)
        return lines + property_lines(self.table())

    def identities_lines(self, source: Source) -> list[str]:
        """Write the section of the merges, if the same rows tell them."""
        if self.merges is None:
            return []
        known = "received_at" if "received_at" in self.keys else "at"
        return [
            line("  identities:", "who turned out to be whom; rows that do not say it are passed over"),
            *source.lines("    "),
            line(f"    from: {quoted(self.merges[0])}", "what such a visitor did before is the lead's from then on"),
            line(f"    to: {quoted(self.merges[1])}"),
            line(f"    at: {quoted(self.keys[known])}", "from when it was known"),
            *zone_lines(self.naive),
        ]

    @property
    def naive(self) -> bool:
        """Whether any of its times has no zone."""
        return any(_column(self.sample, self.keys[key]).naive for key in ("at", "received_at") if key in self.keys)

    def behaviour_lines(self, guess: EventGuess) -> list[str]:
        """Write which events mean which behaviour."""
        return mapping_lines(guess, [self.table()])


def zone_lines(naive: bool) -> list[str]:
    """Write the zone of times that have none: exports are in UTC."""
    return [line("    zone: UTC", "no zone is written in its times; the tool exports UTC unless told otherwise")] if naive else []


def tell(tool: Tool, sample: Sample) -> Told:
    """Find the columns of a tool in its export; an export of something else is refused."""
    if not has_marks(tool, sample.columns):
        raise _another(tool, sample)
    keys: dict[str, str] = {}
    why: dict[str, str] = {}

    def put(key: str, terms: Sequence[str], note: str) -> None:
        if terms:
            keys[key], why[key] = " or ".join(terms), note

    leads = usable(tool.lead, sample.columns)
    put("lead", leads, "; else ".join(f"{one}: {sample.columns[one].evidence}" for one in leads if one in sample.columns))
    put("name", usable(tool.event, sample.columns), "pages and screens by their path and name")
    at = _time(sample, tool.at)
    if not at:
        raise _no_times(tool, sample)
    put("at", at[:1], at[1])
    ids = [one for one in usable(tool.id, sample.columns) if sample.columns[one].filled == 1]
    put("id", ids[:1], "each counts once")
    received = _time(sample, [one for one in tool.received_at if one not in keys["at"].split(" in ")])
    put("received_at", received[:1], received[1] if received else "")
    if "name" in keys and keys["name"].count(" or ") == 0:
        why["name"] = sample.columns[keys["name"]].evidence if keys["name"] in sample.columns else ""
    froms = [pair for pair in tool.merges if usable(pair[:1], sample.columns) and usable(pair[1:], sample.columns)]
    return Told(tool, sample, keys, why, (" or ".join(pair[0] for pair in froms), froms[0][1]) if froms else None)


def _time(sample: Sample, names: Sequence[str]) -> list[str]:
    """Return the first column of times, as the file says it, and what it rests on."""
    for name in names:
        column = sample.columns.get(name)
        if column is not None and column.kind == "time":
            return [name, column.evidence]
        if column is not None and column.unit is not None:
            return [f"{name} in {column.unit}", f"numbers; so read, they lie from {column.first} to {column.last}"]
    return []


def _no_times(tool: Tool, sample: Sample) -> InputError:
    name = next((one for one in tool.at if one in sample.columns), tool.at[0])
    column = sample.columns.get(name)
    values = sorted(column.values) if column is not None else []
    return InputError(
        f"column '{name}' of {sample.name} holds no times",
        given=f"values such as '{values[0][:40]}'" if values else "no values",
        expected="times in ISO 8601, or numbers that count from 1970 on",
        do="export it again",
    )


def _column(sample: Sample, term: str) -> Column:
    return sample.columns[parse_term(term)[0].column]


def _another(tool: Tool, sample: Sample) -> InputError:
    groups = missing_marks(tool, sample.columns)
    other = told_by(sample)
    shown = ", ".join(list(sample.columns)[:20])
    return InputError(
        f"{sample.name} does not have the columns of {tool.title}",
        given=f"the columns {shown}" if shown else "no columns",
        expected=" and ".join(" or ".join(group) for group in groups),
        do=f"try --preset {other[0]}, whose columns these are" if other else "check the file, or leave --preset out",
    )
