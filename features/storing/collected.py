"""``store`` as a source: what the server has collected, read as the tables of a workspace, all of it in one consistent view.

What came in through the doors keeps its two times, so that training replays what the server knew at an instant. A table is read
as it was sent, row by row in chunks; leads are put together from what was said of them (`collected_leads.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlalchemy import Connection, Select, inspect, select

from features.errors import InputError
from features.reading.leads_table import LeadRows
from features.reading.sources import as_array
from features.reading.stored_columns import KNOWN, reads_store, with_stored_columns
from features.storing.collected_leads import read_collected_leads
from features.storing.engine import configured_url
from features.storing.rows import HEARD
from features.storing.schema import contact, event, identity_link, outcome, schema_version
from features.storing.sent_names import Names
from features.storing.tombstones import forgotten
from features.workspaces.data import ContactsSpec, ConversionsSpec, EventsSpec, IdentitiesSpec
from features.workspaces.schema import Workspace

ROWS = 50_000
"""So many rows are held at once."""

WAIT_MS = 60_000

Columns = Mapping[str, Callable[[Any], Any]]
"""Columns of a table by name: what is taken out of a row."""


class Collected:
    """The store as the reader of a workspace's tables.

    Parameters
    ----------
    connection
        An open transaction that only reads: all tables are seen as of one moment.
    workspace
        What the columns mean. With ``without_loaded`` events that were loaded from files are left to these files.
    """

    def __init__(self, connection: Connection, workspace: Workspace, *, without_loaded: bool = False) -> None:
        self._connection = connection
        self._ws = with_stored_columns(workspace)  # else a workspace that does not name them would lose them
        self._without_loaded = without_loaded

    def __call__(self, table: str, wanted: Sequence[str]) -> Iterator[Any]:
        """Yield a table in pieces, under the names that the workspace has for its columns."""
        spec = getattr(self._ws.data, table)
        if isinstance(spec, EventsSpec):
            yield from self._events(spec, wanted)
        elif isinstance(spec, ConversionsSpec):
            columns = {spec.lead: outcome.c.lead_id, spec.at: outcome.c.at, KNOWN: outcome.c.known_at}
            yield from self._plain(columns, {spec.at, KNOWN}, select().order_by(outcome.c.seq))
        elif isinstance(spec, IdentitiesSpec):
            link = identity_link.c
            columns = {spec.from_: link.from_id, spec.to: link.to_id, spec.at: link.at, KNOWN: link.known_at}
            yield from self._plain(columns, {spec.at, KNOWN}, select().order_by(link.seq))
        elif isinstance(spec, ContactsSpec):
            one = contact.c
            columns = {spec.lead: one.lead_id, spec.at: one.at, KNOWN: one.known_at}
            columns |= {} if spec.play is None else {spec.play: one.play}
            columns |= {} if spec.result is None else {spec.result: one.result}
            yield from self._plain(columns, {spec.at, KNOWN}, select().order_by(one.seq))

    def people(self, ws: Workspace, cut: int | None) -> LeadRows:
        """Return every lead that the server has heard of, as it was known at `cut`; `ws` is the workspace as a model has it."""
        return read_collected_leads(self._connection, ws, cut)

    def payments(self) -> Iterator[tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Yield the conversions in pieces: lead, when, and from when that is known."""
        query = select(outcome.c.lead_id, outcome.c.at, outcome.c.known_at).order_by(outcome.c.seq)
        for rows in self._rows(query):
            times = np.array([row[1:] for row in rows], np.int64).reshape(-1, 2)
            yield [row[0] for row in rows], times[:, 0], times[:, 1]

    def forgotten(self, lead_ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Tell which of some ids were forgotten, wherever they stand."""
        return forgotten(self._connection, lead_ids)

    def _events(self, spec: EventsSpec, wanted: Sequence[str]) -> Iterator[Any]:
        one = event.c
        named = {spec.lead: one.lead_id, spec.name: one.name, spec.at: one.at, spec.id: one.message_id}
        named |= {spec.received_at: one.received_at, spec.count: one.count}
        columns = {name: column for name, column in named.items() if name is not None}
        asked = Names(name for name in wanted if name not in columns)
        query = select(*columns.values(), one.properties).where(one.kind.in_(HEARD)).order_by(one.seq)
        if self._without_loaded:
            query = query.where(one.origin != "file")
        moments = {spec.at, spec.received_at}
        for rows in self._rows(query):
            arrays = {name: _array([row[i] for row in rows], name in moments) for i, name in enumerate(columns)}
            if asked.known:
                said = [asked.of(json.loads(row[-1])) if row[-1] != "{}" else {} for row in rows]
                arrays |= {name: as_array([row.get(name) for row in said]) for name in asked.known}
            yield pa.table(arrays)

    def _plain(self, columns: Mapping[str, Any], moments: set[str], query: Select[Any]) -> Iterator[Any]:
        for rows in self._rows(query.add_columns(*columns.values())):
            yield pa.table({name: _array([row[i] for row in rows], name in moments) for i, name in enumerate(columns)})

    def _rows(self, query: Select[Any]) -> Iterator[Sequence[Any]]:
        with self._connection.execution_options(stream_results=True).execute(query) as result:
            yield from result.partitions(ROWS)


def _array(values: list[Any], moment: bool) -> Any:
    return pa.array(values, pa.int64()).cast(pa.timestamp("us", "UTC")) if moment else as_array(values)


@contextmanager
def collected(ws: Workspace, url: str | None = None) -> Iterator[Collected]:
    """Open the store of TRIALWISE_DATABASE_URL, or another, to read it as a source.

    Raises
    ------
    InputError
        Nothing was ever collected there, or the data have no dates.
    StoreUnavailable
        The database does not answer.
    """
    from features.store import EventStore

    if ws.undated:
        raise InputError(
            "a table without dates is not read from the store",
            given="source: store and leads without started_at",
            expected="files, or leads with a start",
            do="name the files, or add started_at",
        )
    address = url or configured_url()
    _must_exist(address)
    store = EventStore(address, wait_ms=WAIT_MS)
    try:
        with store.reading() as connection:
            if not inspect(connection).has_table(schema_version.name):
                raise _nothing_there()
            events = ws.data.events
            stored_events = reads_store(events)
            apart = events is not None and stored_events and events.id is None and len(events.source) > 1
            yield Collected(connection, ws, without_loaded=apart)
    finally:
        store.close()


def _must_exist(address: str) -> None:
    """Refuse an SQLite file that is not there: opening it would make one."""
    from pathlib import Path

    from features.storing.engine import parse_url

    parsed = parse_url(address)
    if parsed.drivername.startswith("sqlite") and not Path(str(parsed.database)).is_file():
        raise _nothing_there()


def _nothing_there() -> InputError:
    return InputError(
        "there is no store yet that could be a source",
        given="source: store",
        expected="a store that trialwise serve or load has filled",
        do="set TRIALWISE_DATABASE_URL or TRIALWISE_HOME to those of the server, or name files",
    )
