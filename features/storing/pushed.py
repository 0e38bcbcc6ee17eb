"""What was last written into a CRM, lead by lead: a push writes only what has changed, and goes on where it was cut off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Connection, select

from features.storing.engine import insert_into
from features.storing.gate import barred, without_forgotten
from features.storing.pushed_table import pushed

Transaction = Callable[[], AbstractContextManager[Connection]]


class Pushed:
    """The memory of pushes."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def digests(self, target: str) -> dict[str, str]:
        """Return the digest of what a target was last given, by lead id."""
        query = select(pushed.c.lead_id, pushed.c.digest).where(pushed.c.target == target)
        with self._reading() as connection:
            return {row.lead_id: row.digest for row in connection.execute(query)}

    def forgotten(self, lead_ids: Sequence[str]) -> set[str]:
        """Return which of some leads were forgotten: nothing more is told of them to anybody."""
        with self._reading() as connection:
            return barred(connection, lead_ids)

    def note(self, target: str, digests: Mapping[str, str], at: int) -> None:
        """Note what a target was given, in one transaction; nothing is noted of whom was forgotten meanwhile."""
        with self._writing() as connection:
            known = without_forgotten(connection, sorted(digests), lambda lead_id: (lead_id,))
            rows = [{"target": target, "lead_id": one, "digest": digests[one], "pushed_at": at} for one in known]
            if not rows:
                return
            statement = insert_into(connection, pushed)
            newer = {"digest": statement.excluded.digest, "pushed_at": statement.excluded.pushed_at}
            connection.execute(statement.on_conflict_do_update(index_elements=["target", "lead_id"], set_=newer), rows)
