"""``trialwise init --preset`` on files: exports of events, and the tables that Segment and RudderStack write, one file each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from features.errors import InputError
from features.inspecting.behaviours import count_names, guess_events
from features.inspecting.columns import Sample, sample
from features.inspecting.presets.choice import has_marks
from features.inspecting.presets.one_table import Told, tell
from features.inspecting.presets.tools import CALLS, FAMILIES, TOOLS, Family, Tool
from features.inspecting.sections import Files, closing_lines, head_lines, learning_lines, workspace_name
from features.inspecting.table_sections import attribute_lines, contact_lines, conversions_lines, leads_lines
from features.inspecting.tables import guess_conversions, guess_leads
from features.reading.sources import open_file

_CALLS_OF = {
    "tracks": "events",
    "pages": "events",
    "screens": "events",
    "users": "leads",
    "identifies": "merges",
    "aliases": "merges",
}


@dataclass(frozen=True, slots=True)
class _Given:
    """Files by what they hold."""

    events: tuple[Path, ...]
    leads: Path | None
    identities: Path | None = None
    previous: str = ""


def propose_exports(
    preset: str, events: Sequence[Path], leads: Path | None, conversions: Path | None, *, folder: Path, name: str | None
) -> str:
    """Return the text of a workspace file for the export of a tool."""
    if not events:
        raise InputError("there is no export to look at", given="no file", expected="the tool's files of events", do="name them")
    samples = {path: sample(path) for path in events}
    given = _Given(tuple(events), leads)
    if preset in FAMILIES and not has_marks(CALLS, samples[events[0]].columns):
        given = _sorted(preset, events, leads)
    told = _told(preset, [samples[path] for path in given.events], given)
    lead_table = guess_leads(sample(given.leads), dated=True) if given.leads is not None else None
    conversion_table = guess_conversions(sample(conversions), lead_table) if conversions is not None else None
    guess = guess_events(count_names([open_file(path) for path in given.events], told.keys["name"]))
    source = Files(given.events, folder)
    files = [*events, *(path for path in (leads, conversions) if path is not None)]
    lines = [
        *head_lines(", ".join(path.name for path in files), workspace_name(name, files[0].absolute().parent), _read_as(told)),
        *leads_lines(lead_table, guess, Files((given.leads,) if given.leads else (), folder)),
        *told.events_lines(source),
        *conversions_lines(conversion_table, guess, Files((conversions,) if conversions else (), folder), undated=False),
        *told.identities_lines(Files((given.identities,), folder) if given.identities else source),
        *learning_lines("second", "day" if conversion_table and conversion_table.column("at").bare_dates else "second"),
        *told.behaviour_lines(guess),
        *attribute_lines(lead_table),
        *contact_lines(lead_table),
        *closing_lines(),
    ]
    return "\n".join(lines) + "\n"


def _read_as(told: Told) -> str:
    return f"Read as {told.tool.title}."


def _told(preset: str, samples: Sequence[Sample], given: _Given) -> Told:
    tool = TOOLS.get(preset)
    if tool is not None:
        return tell(tool, samples[0])
    title = FAMILIES[preset].title.partition("'")[0]
    if given.previous == "":
        return tell(replace(CALLS, title=f"{title}'s {CALLS.title}"), samples[0])
    together = replace(samples[0], columns={name: one for each in reversed(samples) for name, one in each.columns.items()})
    return tell(_table_tool(FAMILIES[preset], given), together)


def _table_tool(family: Family, given: _Given) -> Tool:
    """Describe a list of files of tracks, pages and screens as one table: what a row lacks tells which of them it is from."""
    stems = {_table_of(path, family) for path in given.events}
    pages = [f"page:{{{column}}}" for column in family.page if "pages" in stems and not (column == "name" and "screens" in stems)]
    screens = ["screen:{name}"] if "screens" in stems else []
    return Tool(
        family.title,
        marks=(family.lead, family.at, ("event", "event_text", "path", "name")),
        lead=family.lead,
        event=(*family.event, *pages, *screens) if "tracks" in stems else (*pages, *screens),
        at=family.at,
        id=("id",),
        received_at=("received_at",),
        merges=((given.previous, "user_id"),) if given.identities else (),
    )


def _sorted(preset: str, events: Sequence[Path], leads: Path | None) -> _Given:
    family = FAMILIES[preset]
    by_table = {_table_of(path, family): path for path in events}
    calls = tuple(path for path in events if _CALLS_OF.get(_table_of(path, family)) == "events")
    if not calls:
        raise InputError(
            f"none of the files is a table of {family.title}",
            given=", ".join(path.name for path in events),
            expected="files called tracks, pages or screens, or calls as JSON lines",
            do="name the files after their tables",
        )
    told = by_table.get("identifies") or by_table.get("aliases")
    previous = "anonymous_id" if "identifies" in by_table else "previous_id"
    return _Given(calls, leads or by_table.get("users"), told, previous)


def _table_of(path: Path, family: Family) -> str:
    stem = path.name.lower()
    return next((table for table in family.tables if table in stem), "")
