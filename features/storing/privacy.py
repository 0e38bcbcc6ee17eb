"""Privacy: forget one lead for good, or hand out everything that is held on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from features.storing.erasing import erase
from features.storing.exporting import Export, export_of
from features.storing.forgetting import Removed, forget
from features.storing.holdings import HOLDINGS

Transaction = Callable[[], AbstractContextManager[Connection]]

REMAINS = (
    "models that were trained before: their trees are aggregates and name no lead",
    "what the tracking server keeps of those trainings",
    "backups of the database, until they are overwritten",
    "the files and databases that trialwise load reads; what they say of the lead is left out from now on",
    "what other leads' events say in their own properties",
    "messages that webhooks have delivered already",
    "what trialwise push has written into a CRM",
)
REMAINS_POSTGRES = "pages and write-ahead log of PostgreSQL, until it reuses them; VACUUM FULL rewrites the tables at once"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of a request to forget a lead."""

    removed: Removed
    problem: str | None
    """Why the bytes are not gone from the files yet; None once they are."""
    remains: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Return it as the report that people and programs read; it does not say who the lead was."""
        return {
            "ids": self.removed.ids,
            "forgotten_before": self.removed.before,
            "removed": self.removed.rows,
            "rows": sum(self.removed.rows.values()),
            "erased": self.problem is None,
            "problem": self.problem,
            "remains": list(self.remains),
        }


class Privacy:
    """What one person may ask of the store."""

    def __init__(self, engine: Engine, reading: Transaction, writing: Transaction) -> None:
        self._engine = engine
        self._reading = reading
        self._writing = writing

    def forget(self, lead_id: str, at: int) -> Forgotten:
        """Forget a lead under all its ids: bar it, remove its rows, erase the bytes. Doing it again finishes what was cut off."""
        removed = forget(self._reading, self._writing, lead_id, at)
        problem = erase(self._engine, [table.name for table in HOLDINGS])
        also = (REMAINS_POSTGRES,) if self._engine.dialect.name == "postgresql" else ()
        return Forgotten(removed, problem, (*REMAINS, *also))

    def export(self, lead_id: str, columns: Mapping[str, str] | None = None) -> Export | None:
        """Return everything that is held on a lead, under all its ids; None if that is nothing. ``columns``: see `export_of`."""
        with self._reading() as connection:
            return export_of(connection, lead_id, columns)
