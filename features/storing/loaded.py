"""How far each source of events was loaded, so that the next load asks a database only for what is newer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from features.clock import DAY_US
from features.storing.engine import insert_into
from features.storing.loaded_table import loaded
from features.storing.rows import digest_of
from features.workspace import Workspace

Transaction = Callable[[], AbstractContextManager[Connection]]

OVERLAP_US = 3 * DAY_US
"""So much of what was loaded before is asked for again: rows that became visible later than others. Their ids count once."""


class Loaded:
    """The table of what was loaded."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def newest(self, source: str) -> int | None:
        """Return how far a source was loaded, or None if it never was."""
        with self._reading() as connection:
            return connection.execute(select(loaded.c.newest).where(loaded.c.source == source)).scalar_one_or_none()

    def forget(self, source: str) -> None:
        """Forget how far a source was loaded."""
        with self._writing() as connection:
            connection.execute(delete(loaded).where(loaded.c.source == source))

    def note(self, source: str, newest: int, at: int) -> None:
        """Note how far a source was loaded; of two loads at one time the one that came farther counts."""
        row = {"source": source, "newest": newest, "loaded_at": at}
        with self._writing() as connection:
            statement = insert_into(connection, loaded)
            statement = statement.on_conflict_do_update(
                index_elements=["source"],
                set_={"newest": statement.excluded.newest, "loaded_at": statement.excluded.loaded_at},
                where=statement.excluded.newest >= loaded.c.newest,
            )
            connection.execute(statement, row)


def source_of(ws: Workspace) -> str:
    """Return what names the events of a workspace: where they are and how they are read. No password is part of it."""
    data = ws.data.model_dump(mode="json")
    return digest_of("events", ws.name, ws.timezone, str(ws.resolution.events), _without_passwords(data))


def _without_passwords(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shown(one) if key == "url" else _without_passwords(one) for key, one in value.items()}
    return [_without_passwords(one) for one in value] if isinstance(value, list) else value


def _shown(url: object) -> str:
    try:
        return make_url(str(url)).set(password=None).render_as_string()
    except ArgumentError:
        return ""


def begins_at(ws: Workspace, newest: int | None) -> int | None:
    """Return from when on a load has to ask for events, or None for all of them.

    Only a query can leave out what is older, by ``:since``, and only events with ids of their own can be told from those that
    were loaded before. Files are read as a whole.
    """
    spec = ws.data.events
    if newest is None or spec is None or spec.id is None or not any(_can_ask(source) for source in spec.source):
        return None
    return newest - OVERLAP_US


def _can_ask(source: Any) -> bool:
    return source.kind == "sql" and ":since" in source.query
