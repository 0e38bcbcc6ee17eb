"""Where each lead stands and how it got there, with the messages about it, written in one transaction.

A state is written only over the revision that was seen, so of several processes that found the same change one writes it, with
its messages, and the others write nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, insert, select, update

from features.failpoints import failpoint
from features.storing.engine import insert_into
from features.storing.schema import lead
from features.storing.watch_tables import lead_state, outbox, transition

Transaction = Callable[[], AbstractContextManager[Connection]]

CHUNK = 500


@dataclass(frozen=True, slots=True)
class LeadState:
    """The stage and grade of a lead, and those that were seen but have not lasted long enough."""

    lead_id: str
    stage: str
    grade: str | None
    model_version: str
    at: int
    next_stage: str | None = None
    stage_since: int | None = None
    next_grade: str | None = None
    grade_since: int | None = None
    due_at: int | None = None
    revision: int = 0
    """0 while it is not stored."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of stage, of grade, or of both."""

    transition_id: str
    lead_id: str
    at: int
    from_stage: str
    to_stage: str
    from_grade: str | None
    to_grade: str | None
    probability: float | None
    model_version: str
    model_digest: str
    evidence: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one endpoint is told of one change."""

    message_id: str
    transition_id: str
    endpoint: str
    kind: str
    lead_id: str
    body: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Move:
    """A state to be written over the one that was seen, with the change and the messages if it is one."""

    state: LeadState
    transition: Transition | None = None
    messages: Sequence[Message] = ()


class LeadStates:
    """The states of leads and their history."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def of(self, lead_ids: Sequence[str]) -> dict[str, LeadState]:
        """Return the states of some leads; who has none yet is left out."""
        found: dict[str, LeadState] = {}
        with self._reading() as connection:
            for start in range(0, len(lead_ids), CHUNK):
                query = select(lead_state).where(lead_state.c.lead_id.in_(lead_ids[start : start + CHUNK]))
                found.update((row.lead_id, LeadState(**row._mapping)) for row in connection.execute(query))
        return found

    def stages_at(self, lead_ids: Sequence[str], at: int) -> dict[str, str]:
        """Return the stage that each of some leads had at an instant; who was not looked at by then is left out."""
        states = self.of(lead_ids)
        found = {one: state.stage for one, state in states.items() if state.at <= at}
        later = [one for one in states if one not in found]
        for start in range(0, len(later), CHUNK):
            query = select(transition.c.lead_id, transition.c.to_stage).order_by(transition.c.seq)
            query = query.where(transition.c.lead_id.in_(later[start : start + CHUNK]), transition.c.at <= at)
            with self._reading() as connection:
                found.update((row[0], row[1]) for row in connection.execute(query))  # the last one stays
        return found

    def due(self, now: int, limit: int) -> list[str]:
        """Return the leads of which something was seen that has lasted long enough by now, if it still holds."""
        query = select(lead_state.c.lead_id).where(lead_state.c.due_at <= now).order_by(lead_state.c.due_at).limit(limit)
        with self._reading() as connection:
            return list(connection.execute(query).scalars())

    def write(self, moves: Sequence[Move]) -> list[Transition]:
        """Write states with their changes and messages, and return the changes that are new.

        Nothing is written of a lead that was forgotten meanwhile, or whose state another process has written.
        """
        if not moves:
            return []
        made: list[Transition] = []
        with self._writing() as connection:
            there = held(connection, [move.state.lead_id for move in moves])
            for move in sorted(moves, key=lambda move: move.state.lead_id):
                if move.state.lead_id not in there or not _replaced(connection, move.state) or move.transition is None:
                    continue
                connection.execute(insert(transition).values(asdict(move.transition)))
                put(connection, move.messages)
                made.append(move.transition)
            failpoint("watch.before_commit")
        failpoint("watch.after_commit")
        return made

    def drop(self, lead_ids: Sequence[str]) -> None:
        """Remove the states of ids that are no leads of their own any more; what happened stays."""
        if lead_ids:
            with self._writing() as connection:
                connection.execute(delete(lead_state).where(lead_state.c.lead_id.in_(lead_ids)))

    def history(self, lead_id: str) -> list[Transition]:
        """Return the changes of a lead, the first one first."""
        query = select(*(transition.c[name] for name in Transition.__slots__)).where(transition.c.lead_id == lead_id)
        with self._reading() as connection:
            return [Transition(**row._mapping) for row in connection.execute(query.order_by(transition.c.seq))]


def put(connection: Connection, messages: Iterable[Message]) -> None:
    """Put messages into the outbox, within the transaction of what they tell of."""
    rows = [asdict(message) | {"next_at": message.created_at, "attempts": 0} for message in messages]
    if rows:
        connection.execute(insert(outbox), rows)


def held(connection: Connection, lead_ids: Iterable[str]) -> set[str]:
    """Return which leads are still there, and keep them from being forgotten until the transaction ends."""
    query = select(lead.c.lead_id).where(lead.c.lead_id.in_(sorted(lead_ids))).order_by(lead.c.lead_id)
    return set(connection.execute(query.with_for_update(read=True)).scalars())


def _replaced(connection: Connection, state: LeadState) -> bool:
    """Write a state over the revision that was seen; return False if that is not the newest any more."""
    row = asdict(state) | {"revision": state.revision + 1}
    if state.revision == 0:
        statement = insert_into(connection, lead_state).values(row).on_conflict_do_nothing(index_elements=["lead_id"])
        return connection.execute(statement.returning(lead_state.c.lead_id)).first() is not None
    seen = (lead_state.c.lead_id == state.lead_id) & (lead_state.c.revision == state.revision)
    return connection.execute(update(lead_state).where(seen).values(row)).rowcount == 1
