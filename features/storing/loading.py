"""``trialwise load``: history from files or SQL into the store that the server uses. Loading twice changes nothing.

What is loaded is what training reads: the same tables, with the same rows refused, but as it was written: every id by itself,
with what it turned out to be beside it, and events with their own names and all their properties, so that a later mapping finds
what it asks for. An event keeps the message id of its file. Where there is none it gets one from who did what and when, and its
ordinal among those that are alike in that: neither another mapping nor another column of the export makes it another event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from features.clock import NEVER, format_us, now_us
from features.errors import InputError
from features.reading.moments import day_begin
from features.reading.stored_columns import without_store
from features.store import EventStore
from features.storing.engine import configured_url
from features.storing.loaded import begins_at, source_of
from features.storing.rows import Fact, Message, Outcome, digest_of, outcome_id
from features.tables import Leads, Tables, read_tables
from features.workspace import Workspace, load_workspace

BATCH = 5_000
WAIT_MS = 60_000

Say = Callable[[str], None]
Progress = Callable[[int, int], None]
"""Called with the rows that are done and their total."""


class _NeedsAllError(Exception):
    """What is newer is not enough."""


def load_history(
    workspace: str | Path,
    *,
    say: Say | None = None,
    url: str | None = None,
    progress: Progress | None = None,
    since_last: bool = False,
) -> dict[str, int]:
    """Load a workspace's tables into the store and return how many rows were read and how many were new.

    With ``since_last``, queries of events that have ``:since`` are asked only for what is newer than the last load, less some
    days for rows that show late. All is read where that would leave something out: an event without an id, or a lead that the
    table of leads did not have then and whose older events were left out for it.
    """
    ws = _of_files(load_workspace(workspace))
    store = EventStore(url or configured_url(), wait_ms=WAIT_MS)
    try:
        store.migrate()
        store.need_same_secret()
        source = source_of(ws)
        newest = store.loaded.newest(source)
        since = begins_at(ws, newest) if since_last else None
        if since_last and say is not None:
            say("Reading everything." if since is None else f"Asking for events since {format_us(since)}.")
        began = now_us()
        store.loaded.forget(source)  # a load that is cut off may have left out anything: after it all is read
        try:
            counts, reached = _load(store, ws, say, progress, since)
        except _NeedsAllError:
            if say is not None:
                say("Of what is new some has older events, or no id: reading everything.")
            counts, reached = _load(store, ws, say, progress, None)
        store.loaded.note(source, max(newest or 0, min(began, reached)), began)
        return counts
    finally:
        store.close()


def _load(
    store: EventStore, ws: Workspace, say: Say | None, progress: Progress | None, since: int | None
) -> tuple[dict[str, int], int]:
    """Load what is read and return the counts, and when the newest event was known."""
    tables = read_tables(ws, raw=True, since=since)
    counts: dict[str, int] = {}

    def count(what: str, read: int, new: int) -> None:
        counts.update({what: read, f"{what}_new": new})
        if say is not None:
            say(f"{read:,} {what}, {new:,} of them new.")

    counts["forgotten"] = store.forgotten(tables.leads.ids)
    if counts["forgotten"] and say is not None:
        say(f"{counts['forgotten']:,} leads of these files were forgotten: nothing of them is loaded.")
    count("leads", len(tables.leads), _load_leads(store, ws, tables, since))
    count("events", len(tables.events), _load_events(store, ws, tables, progress, since))
    outcomes = list(_outcomes(ws, tables.leads))
    count("conversions", len(outcomes), _load_outcomes(store, outcomes))
    if ws.data.identities is not None:
        merges = list(_merges(ws, tables))
        count("merges", len(merges), sum(store.add_links(merges[i : i + BATCH]) for i in range(0, len(merges), BATCH)))
    return counts, int(tables.events.known.max(initial=0))


def _of_files(ws: Workspace) -> Workspace:
    """Return the workspace without the store as a source: what is in it already is not loaded."""
    others = without_store(ws)
    if others.data.events is None and (others.data.leads is None or not others.data.leads.source):
        raise InputError(
            "there is nothing to load",
            given="a workspace that has its leads and events from the store only",
            expected="files or queries beside it",
            do="name them under data: beside store",
        )
    return others


def _load_leads(store: EventStore, ws: Workspace, tables: Tables, since: int | None) -> int:
    leads = tables.leads
    heard_of = _first_heard_of(tables)
    everybody = np.arange(len(leads))
    if since is None or ws.data.leads is None or not ws.data.leads.source:
        return _register(store, ws, leads, everybody, heard_of)
    older = (heard_of < since) | (leads.started_at >= NEVER)
    recent = _register(store, ws, leads, everybody[~older], heard_of)
    if _register(store, ws, leads, everybody[older], heard_of):
        raise _NeedsAllError
    return recent


def _register(
    store: EventStore, ws: Workspace, leads: Leads, which: npt.NDArray[np.int64], heard_of: npt.NDArray[np.int64]
) -> int:
    new = 0
    for start in range(0, len(which), BATCH):
        places = which[start : start + BATCH].tolist()
        # A table without dates knows no start: what it says was known at all times.
        known = [(leads.ids[i], 0 if ws.undated else int(heard_of[i])) for i in places]
        facts = [
            fact
            for i, (lead_id, at) in zip(places, known, strict=True)
            if leads.started_at[i] < NEVER
            for fact in _facts(ws, leads, i, lead_id, at)
        ]
        accounts = [
            (leads.ids[i], str(leads.account[i]), int(leads.account_known[i]), int(leads.account_known[i]))
            for i in places
            if leads.account_known[i] < NEVER
        ]
        new += store.add_leads(known, facts, accounts)
    return new


def _first_heard_of(tables: Tables) -> npt.NDArray[np.int64]:
    """Return from when each id is known; one that stands in no table of leads has events, a payment, or only its merge."""
    leads, events = tables.leads, tables.events
    first = leads.started_at.copy()
    unstarted = np.flatnonzero(first >= NEVER)
    if len(unstarted):
        np.minimum.at(first, events.lead, events.known)
        np.minimum(first, leads.conversion_known, out=first)
        merged = {who: known for who, _, known in tables.links}
        first[unstarted] = [min(int(first[i]), merged.get(leads.ids[i], NEVER)) for i in unstarted.tolist()]
        started = leads.started_at < NEVER
        first[started] = leads.started_at[started]
    return first


def _facts(ws: Workspace, leads: Leads, i: int, lead_id: str, at: int) -> Iterator[Fact]:
    """Return what a leads table says about one lead, known from its start on."""

    def said(kind: str, name: str, value: Any) -> Fact:
        return Fact(lead_id, kind, name, value, at, at)

    spec = ws.data.leads
    if spec is not None and spec.started_at is not None:
        yield said("fact", "started_at", int(leads.started_at[i]))
    if leads.ended_at[i] < NEVER:
        ended = int(leads.ended_at[i])
        yield Fact(lead_id, "fact", "ended_at", ended, ended, max(ended, at))
    if leads.trial_ends_at[i] < NEVER:
        yield said("fact", "trial_ends_at", int(leads.trial_ends_at[i]))
    if leads.ignored[i]:
        yield said("fact", "ignored", True)
    for name, column in leads.attributes.items():
        value = column[i].item() if isinstance(column[i], np.generic) else column[i]
        if value is not None and value == value:
            yield said("file", name, value)
    for name, texts in leads.traits.items():
        if texts[i] is not None:
            yield said("file", name, str(texts[i]))
    columns: dict[str, str] = {str(name): column for name, column in ws.contact.items()}
    for name, texts in leads.contact.items():
        if texts[i] is not None and columns[name] not in leads.attributes and columns[name] not in leads.traits:
            yield said("file", columns[name], str(texts[i]))


def _load_events(store: EventStore, ws: Workspace, tables: Tables, progress: Progress | None, since: int | None) -> int:
    messages, new, done, total = _messages(ws, tables), 0, 0, len(tables.events)
    while part := list(islice(messages, BATCH)):
        if since is not None and any(message.message_id.startswith("file-") for message in part):
            raise _NeedsAllError  # which of those that are alike it is only all of them can tell
        new += store.add_bulk(part)
        done += len(part)
        if progress is not None:
            progress(done, total)
    return new


def _messages(ws: Workspace, tables: Tables) -> Iterator[Message]:
    """Return the events as messages, times as the store keeps them: with day resolution the day itself, not its end."""
    events, ids = tables.events, tables.leads.ids
    if events.written is None or events.row is None:
        return
    at = events.at if ws.resolution.events != "day" else day_begin(events.at - 1, ws.timezone)
    properties = [(name, column) for name, column in sorted(events.properties.items())]
    alike: dict[str, int] = {}
    before = (-1, -1)
    for start in range(0, len(events), BATCH):
        rows = range(start, min(start + BATCH, len(events)))
        asked = [(name, column[start : start + BATCH].tolist()) for name, column in properties]
        for i, row in zip(rows, events.written.events(events.row[start : start + BATCH]), strict=True):
            lead_id, instant, count = ids[events.lead[i]], int(at[i]), int(events.count[i])
            named = ((name, values[i - start]) for name, values in asked)
            found = row.properties | {name: value for name, value in named if value is not None and value == value}
            received_at = max(instant, int(events.known[i]))
            digest = digest_of(lead_id, row.name, instant, received_at, count, found)
            message_id = row.message_id
            if message_id is None:
                if before != (int(events.lead[i]), instant):
                    before = (int(events.lead[i]), instant)
                    alike.clear()
                ordinal = alike[row.name] = alike.get(row.name, -1) + 1
                message_id = f"file-{digest_of(lead_id, row.name, instant)}-{ordinal}"
            yield Message(
                message_id, "track", lead_id, row.name, instant, received_at, digest, count=count, properties=found, origin="file"
            )


def _merges(ws: Workspace, tables: Tables) -> Iterator[tuple[str, str, int, int]]:
    """Return who turned out to be whom, when, and from when that is known."""
    known = np.array([since for _, _, since in tables.links], np.int64)
    # By the day a merge is known at the end of a day, or later in one, when the lead starts: what is kept is a day before.
    at = known if ws.resolution.events != "day" else day_begin(day_begin(known, ws.timezone) - 1, ws.timezone)
    for (who, whom, since), instant in zip(tables.links, at.tolist(), strict=True):
        yield who, whom, instant, since


def _outcomes(ws: Workspace, leads: Leads) -> Iterator[Outcome]:
    """Return the payments that a table names; those that are events are found among the events."""
    if ws.undated:
        # When it happened nobody knows, so now is when we learn of it.
        now = now_us()
        for i in np.flatnonzero(leads.converted_flag == 1).tolist():
            yield Outcome(outcome_id(leads.ids[i], None), leads.ids[i], now, now, "file")
    elif ws.data.conversions is not None and ws.data.conversions.source:
        for i in np.flatnonzero(leads.converted_at < NEVER).tolist():
            at = int(leads.converted_at[i])
            yield Outcome(outcome_id(leads.ids[i], at), leads.ids[i], at, int(leads.conversion_known[i]), "file")


def _load_outcomes(store: EventStore, outcomes: list[Outcome]) -> int:
    return sum(store.add_outcomes(outcomes[start : start + BATCH]).count("accepted") for start in range(0, len(outcomes), BATCH))
