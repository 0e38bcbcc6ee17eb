"""Columns that only the store has: its message ids, and when it learnt of things. They have names that no file uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from features.workspaces.data import FileSource, SqlSource, StoreSource
from features.workspaces.schema import Workspace

STORED = "trialwise:"
KNOWN = f"{STORED}known_at"
"""From when a row is known: never before it happened, never before it arrived."""

if TYPE_CHECKING:
    from features.reading.leads_table import LeadRows


@runtime_checkable
class WholeStore(Protocol):
    """A store that knows what the columns of a workspace mean, and more than tables: leads, and who was forgotten."""

    def __call__(self, table: str, wanted: Sequence[str]) -> Iterator[Any]:
        """Yield a table in pieces, under the names that the workspace has for its columns."""

    def people(self, ws: Workspace, cut: int | None) -> LeadRows:
        """Return every lead as it was known at `cut`."""

    def payments(self) -> Iterator[tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Yield the conversions in pieces: lead, when, and from when that is known."""

    def forgotten(self, lead_ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Tell which of some ids were forgotten."""


TABLES = ("leads", "events", "conversions", "identities", "contacts")


def reads_store(spec: Any) -> bool:
    """Tell whether a table is read from the store, alone or beside files."""
    return spec is not None and any(isinstance(source, StoreSource) for source in spec.source)


def any_from_store(ws: Workspace) -> bool:
    """Tell whether any table of a workspace is."""
    return any(reads_store(getattr(ws.data, table)) for table in TABLES)


def outside_store(sources: tuple[FileSource | SqlSource | StoreSource, ...]) -> tuple[FileSource | SqlSource, ...]:
    """Return the sources that are not the store."""
    return tuple(source for source in sources if not isinstance(source, StoreSource))


def with_stored_columns(ws: Workspace) -> Workspace:
    """Return the workspace with the columns that events of the store have, whatever the files beside it lack."""
    spec = ws.data.events
    if spec is None or not reads_store(spec):
        return ws
    absent = {key: f"{STORED}{key}" for key in ("id", "received_at", "count") if getattr(spec, key) is None}
    return ws.model_copy(update={"data": ws.data.model_copy(update={"events": spec.model_copy(update=absent)})})


def without_store(ws: Workspace) -> Workspace:
    """Return the workspace with its files and queries only; a table that only the store has is not there."""
    changed: dict[str, Any] = {}
    for table in TABLES:
        spec = getattr(ws.data, table)
        if reads_store(spec):
            others = outside_store(spec.source)
            keeps = others or getattr(spec, "events", ()) or getattr(spec, "start", ())
            changed[table] = spec.model_copy(update={"source": others}) if keeps else None
    return ws.model_copy(update={"data": ws.data.model_copy(update=changed)})
