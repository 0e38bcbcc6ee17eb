"""What was refused and kept: read again, and noted as replayed once it is known what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from features.storing.schema import quarantine

Transaction = Callable[[], AbstractContextManager[Connection]]

BLOCK = 500
"""How many items are read, or noted, at a time."""

_COLUMNS = quarantine.c


@dataclass(frozen=True, slots=True)
class Kept:
    """One item that was refused."""

    seq: int
    digest: str
    door: str
    code: str
    body: str
    received_at: int
    replayed_at: int | None


class Quarantine:
    """The table of what was refused."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def waiting(self, *, code: str | None = None, since: int = 0) -> Iterator[list[Kept]]:
        """Yield the items that were not replayed yet, in the order of their arrival, some at a time.

        ``code`` keeps those refused for one reason, ``since`` those received at that instant or later.
        """
        query = select(*(_COLUMNS[name] for name in Kept.__dataclass_fields__)).where(
            _COLUMNS.replayed_at.is_(None), _COLUMNS.received_at >= since
        )
        if code is not None:
            query = query.where(_COLUMNS.code == code)
        after = 0
        while True:
            with self._reading() as connection:
                rows = connection.execute(query.where(_COLUMNS.seq > after).order_by(_COLUMNS.seq).limit(BLOCK)).all()
            if not rows:
                return
            yield [Kept(*row) for row in rows]
            after = rows[-1].seq

    def counts(self) -> list[tuple[str, str, int, int]]:
        """Return for each door and reason how many items wait and how many were replayed."""
        query = select(_COLUMNS.door, _COLUMNS.code, func.count(), func.count(_COLUMNS.replayed_at)).group_by(
            _COLUMNS.door, _COLUMNS.code
        )
        with self._reading() as connection:
            rows = connection.execute(query.order_by(_COLUMNS.door, _COLUMNS.code)).all()
        return [(door, code, every - replayed, replayed) for door, code, every, replayed in rows]

    def note(self, numbers: Sequence[int], at: int) -> None:
        """Note that items were replayed; who notes it again changes nothing."""
        if not numbers:
            return
        with self._writing() as connection:
            for start in range(0, len(numbers), BLOCK):
                these = _COLUMNS.seq.in_(numbers[start : start + BLOCK]) & _COLUMNS.replayed_at.is_(None)
                connection.execute(update(quarantine).where(these).values(replayed_at=at))
