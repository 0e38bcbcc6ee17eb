"""The outbox: who is still to be told what, when the next attempt is due, and how each endpoint answers.

A message is claimed by moving its next attempt to the end of the claim: whoever crashes meanwhile leaves it to be tried again,
and nobody else sends it before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, delete, func, select, update

from features.storing.engine import insert_into
from features.storing.watch_tables import endpoint, outbox

Transaction = Callable[[], AbstractContextManager[Connection]]

CANDIDATES = 8
"""So many messages are looked at for one that nobody else has claimed in the same moment."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process may send now."""

    seq: int
    message_id: str
    endpoint: str
    body: str
    attempts: int
    """This one included."""
    until: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt."""

    at: int
    answered: str
    delivered: bool = False
    next_at: int | None = None
    """When to try again; None if it is done or given up."""
    gone: bool = False
    """The endpoint wants no more messages at all."""
    pause_until: int | None = None
    """Until when the endpoint wants to be left alone."""


@dataclass(frozen=True, slots=True)
class EndpointState:
    """How an endpoint does."""

    name: str
    disabled_at: int | None
    paused_until: int | None
    failing_since: int | None
    last_success_at: int | None
    last_answer: str | None
    waiting: int
    oldest: int | None
    """When the oldest message that waits was written."""
    delivered: int
    failed: int


class Outbox:
    """The messages that wait, and those that were sent or given up."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def know(self, addresses: Mapping[str, str]) -> None:
        """Take down the endpoints by name, each with a digest of its address; at a new address nothing is held against it."""
        with self._reading() as connection:
            query = select(endpoint.c.name, endpoint.c.address)
            known: dict[str, str] = {row[0]: row[1] for row in connection.execute(query)}
        changed = [{"name": name, "address": address} for name, address in addresses.items() if known.get(name) != address]
        if not changed:
            return
        with self._writing() as connection:
            statement = insert_into(connection, endpoint)
            forgiven = {"disabled_at": None, "paused_until": None, "failing_since": None, "last_answer": None}
            statement = statement.on_conflict_do_update(
                index_elements=["name"], set_={"address": statement.excluded.address, **forgiven}
            )
            connection.execute(statement, changed)

    def enabled(self, names: Sequence[str]) -> set[str]:
        """Return which endpoints still want messages."""
        query = select(endpoint.c.name).where(endpoint.c.disabled_at.is_not(None))
        with self._reading() as connection:
            return set(names) - set(connection.execute(query).scalars())

    def claim(self, name: str, now: int, until: int) -> Claimed | None:
        """Claim the message of an endpoint that has been due the longest, or return None if there is none."""
        query = select(outbox.c.seq, outbox.c.message_id, outbox.c.body, outbox.c.attempts, outbox.c.next_at)
        query = query.where(outbox.c.endpoint == name, outbox.c.next_at <= now).order_by(outbox.c.next_at, outbox.c.seq)
        with self._reading() as connection:
            resting = select(endpoint.c.name).where(
                endpoint.c.name == name, endpoint.c.disabled_at.is_not(None) | (endpoint.c.paused_until > now)
            )
            if connection.execute(resting).first() is not None:
                return None
            rows = connection.execute(query.limit(CANDIDATES)).all()
        if not rows:
            return None
        with self._writing() as connection:
            for seq, message_id, body, attempts, next_at in rows:
                seen = (outbox.c.seq == seq) & (outbox.c.next_at == next_at)
                if connection.execute(update(outbox).where(seen).values(next_at=until, attempts=attempts + 1)).rowcount == 1:
                    return Claimed(seq, message_id, name, body, attempts + 1, until)
        return None

    def record(self, claimed: Claimed, result: Result) -> None:
        """Write down what came of an attempt. Who held a claim too long changes nothing about the message any more."""
        with self._writing() as connection:
            mine = (outbox.c.seq == claimed.seq) & (outbox.c.next_at == claimed.until)
            given_up = not result.delivered and result.next_at is None
            values = {
                "next_at": result.next_at,
                "answered": result.answered,
                "delivered_at": result.at if result.delivered else None,
                "failed_at": result.at if given_up else None,
            }
            connection.execute(update(outbox).where(mine).values(values))
            note_answer(connection, claimed.endpoint, result)

    def note(self, name: str, result: Result) -> None:
        """Write down how an endpoint answered to what stands in no outbox."""
        with self._writing() as connection:
            note_answer(connection, name, result)

    def replay(self, now: int, *, message_id: str | None = None, since: int = 0, name: str | None = None, every: bool) -> int:
        """Send messages again, with the same id: one, or those given up since an instant, or with `every` the delivered too."""
        chosen = [outbox.c.created_at >= since]
        if message_id is not None:
            chosen.append(outbox.c.message_id == message_id)
        elif not every:
            chosen.append(outbox.c.failed_at.is_not(None))
        if name is not None:
            chosen.append(outbox.c.endpoint == name)
        fresh = {"next_at": now, "attempts": 0, "delivered_at": None, "failed_at": None}
        with self._writing() as connection:
            return int(connection.execute(update(outbox).where(and_(*chosen)).values(fresh)).rowcount)

    def prune(self, before: int) -> int:
        """Remove what was delivered or given up before an instant, and return how many messages that was."""
        done = (outbox.c.delivered_at < before) | (outbox.c.failed_at < before)
        with self._writing() as connection:
            return int(connection.execute(delete(outbox).where(done)).rowcount)

    def states(self) -> list[EndpointState]:
        """Return how the endpoints do, by name."""
        waits = outbox.c.next_at.is_not(None)
        counted = select(
            outbox.c.endpoint,
            func.count(outbox.c.next_at).label("waiting"),
            func.min(case((waits, outbox.c.created_at))).label("oldest"),
            func.count(outbox.c.delivered_at).label("delivered"),
            func.count(outbox.c.failed_at).label("failed"),
        )
        numbers = counted.group_by(outbox.c.endpoint).subquery()
        one = endpoint.c
        query = select(
            one.name, one.disabled_at, one.paused_until, one.failing_since, one.last_success_at, one.last_answer,
            func.coalesce(numbers.c.waiting, 0), numbers.c.oldest, func.coalesce(numbers.c.delivered, 0),
            func.coalesce(numbers.c.failed, 0),
        ).select_from(endpoint.outerjoin(numbers, one.name == numbers.c.endpoint))  # fmt: skip
        with self._reading() as connection:
            return [EndpointState(*tuple(row)) for row in connection.execute(query.order_by(one.name))]

    def waiting(self, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return by endpoint how many messages wait and when the oldest was written."""
        query = select(outbox.c.endpoint, func.count(), func.min(outbox.c.created_at))
        query = query.where(outbox.c.next_at.is_not(None), outbox.c.endpoint.in_(names)).group_by(outbox.c.endpoint)
        with self._reading() as connection:
            return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def note_answer(connection: Connection, name: str, result: Result) -> None:
    """Write down how an endpoint answered; one that is gone gets nothing more, and what waited for it is given up."""
    one = endpoint.c
    values: dict[str, object] = {"last_answer": result.answered}
    if result.delivered:
        values |= {"failing_since": None, "disabled_at": None, "paused_until": None, "last_success_at": result.at}
    else:
        values |= {"failing_since": func.coalesce(one.failing_since, result.at)}
        if result.pause_until is not None:
            values["paused_until"] = result.pause_until
    if result.gone:
        values["disabled_at"] = result.at
        waiting = (outbox.c.endpoint == name) & outbox.c.next_at.is_not(None)
        connection.execute(update(outbox).where(waiting).values(next_at=None, failed_at=result.at, answered=result.answered))
    connection.execute(update(endpoint).where(one.name == name).values(values))
