"""Volumes: how many events of each name happened on each day, and how many leads were being looked at.

Events are read once, in the order in which they were stored, so that keeping the counts up to date costs as much as what is new.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, func, select

from features.clock import DAY_US
from features.storing.rows import HEARD
from features.storing.schema import event, identity_link, lead, outcome

BLOCK = 50_000
"""So many rows are added up in one query."""

_event, _lead, _outcome = event.c, lead.c, outcome.c


class Volumes:
    """The counts behind one store. Days are counted since 1970 in UTC."""

    def __init__(self, reading: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._reading = reading

    def newest_row(self) -> int:
        """Return the number of the newest event, 0 if there is none; numbers grow in the order of storing."""
        with self._reading() as connection:
            return int(connection.execute(select(func.coalesce(func.max(_event.seq), 0))).scalar_one())

    def events(self, after: int, upto: int, since: int) -> list[tuple[str, int, int, int]]:
        """Return name, day, rows and times of the events with a number in (after, upto] that happened at ``since`` or later."""
        day = (_event.at // DAY_US).label("day")
        query = (
            select(_event.name, day, func.count(), func.sum(_event.count))
            .where(_event.seq > after, _event.seq <= upto, _event.at >= since, _event.kind.in_(HEARD))
            .group_by(_event.name, day)
        )
        with self._reading() as connection:
            return [(str(name), int(on), int(rows), int(times)) for name, on, rows, times in connection.execute(query)]

    def leads(self, since: int) -> list[tuple[int, int | None, int]]:
        """Return the days on which leads were first heard of, since an instant, and paid, with their number.

        Ids that turned out to be another lead are not leads of their own.
        """
        merged = select(identity_link.c.from_id)
        paid = select(_outcome.lead_id, func.min(_outcome.at).label("at")).group_by(_outcome.lead_id).subquery()
        known = (_lead.known_at // DAY_US).label("known")
        until = (paid.c.at // DAY_US).label("until")
        query = (
            select(known, until, func.count())
            .select_from(lead.outerjoin(paid, paid.c.lead_id == _lead.lead_id))
            .where(_lead.known_at >= since, _lead.lead_id.not_in(merged))
            .group_by(known, until)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return [(int(on), None if end is None else int(end), int(number)) for on, end, number in rows]
