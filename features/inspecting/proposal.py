"""``trialwise init``: write a workspace file by looking at the data. Every guess says what it rests on; a person corrects it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from features.errors import InputError
from features.inspecting.behaviours import count_names
from features.inspecting.behaviours import guess_events as guess_behaviours
from features.inspecting.columns import Sample, sample
from features.inspecting.presets.choice import check_preset, told_by
from features.inspecting.sections import Files, closing_lines, head_lines, workspace_name
from features.inspecting.table_sections import (
    attribute_lines,
    contact_lines,
    conversions_lines,
    events_lines,
    leads_lines,
    mapping_lines,
    time_lines,
)
from features.inspecting.tables import Table, guess_conversions, guess_events, guess_leads, need
from features.reading.sources import open_file


def propose(
    events: Sequence[Path],
    leads: Path | None = None,
    conversions: Path | None = None,
    *,
    folder: Path | None = None,
    name: str | None = None,
    url: str | None = None,
    preset: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Return the text of a workspace file for these data; ``folder`` is where it will stand, so that its paths start there.

    The data are files, or with ``url`` the tables of a database; ``preset`` names the tool that wrote them.
    """
    check_preset(preset)
    where = folder or Path()
    if url is not None:
        from features.inspecting.presets.warehouse import propose_warehouse

        if events or leads or conversions:
            raise InputError("files and --url exclude each other", given="both", expected="one of them", do="leave one out")
        return propose_warehouse(url, preset, name=workspace_name(name, where), environment=environment)
    if preset is not None:
        from features.inspecting.presets.exports import propose_exports

        return propose_exports(preset, events, leads, conversions, folder=where, name=name)
    return _propose_files(events, leads, conversions, where, name)


def _propose_files(events: Sequence[Path], leads: Path | None, conversions: Path | None, where: Path, name: str | None) -> str:
    files = [*events, *(path for path in (leads, conversions) if path is not None)]
    if not events and leads is None:
        raise InputError("there is nothing to look at", given="no file", expected="events, leads or both", do="name a file")
    lead_table = guess_leads(sample(leads), dated=bool(events) or conversions is not None) if leads is not None else None
    samples = _alike([sample(path) for path in events])
    event_tables = [guess_events(one, lead_table) for one in samples]
    conversion_table = guess_conversions(sample(conversions), lead_table) if conversions is not None else None
    guess = guess_behaviours(_counts(event_tables, events))
    undated = lead_table is not None and not events and conversions is None and "converted" in lead_table.keys
    if lead_table is not None and not events and not undated:
        need(lead_table, "started_at", "started_at" in lead_table.keys, "the time at which the trial started")
    tool = told_by(samples[0]) if samples else None
    notes = [f"The columns are those of {tool[1]}: --preset {tool[0]} knows more about it."] if tool is not None else []
    lines = [
        *head_lines(", ".join(path.name for path in files), workspace_name(name, files[0].absolute().parent), *notes),
        *leads_lines(lead_table, guess, Files((leads,) if leads else (), where)),
        *events_lines(event_tables, Files(tuple(events), where)),
        *conversions_lines(conversion_table, guess, Files((conversions,) if conversions else (), where), undated=undated),
        *time_lines(event_tables, conversion_table),
        *mapping_lines(guess, event_tables),
        *attribute_lines(lead_table),
        *contact_lines(lead_table),
        *closing_lines(),
    ]
    return "\n".join(lines) + "\n"


def _alike(samples: list[Sample]) -> list[Sample]:
    """Check that several files of events have the columns of the first, since one section describes them all."""
    for other in samples[1:]:
        if not set(samples[0].columns) & set(other.columns):
            raise InputError(
                f"{other.name} has no column of {samples[0].name}",
                given=", ".join(list(other.columns)[:20]),
                expected=", ".join(list(samples[0].columns)[:20]),
                do="give files of events with the same columns",
            )
    return samples


def _counts(tables: Sequence[Table], paths: Sequence[Path]) -> dict[str, int]:
    return count_names([open_file(path) for path in paths], tables[0].written("name")) if tables else {}
