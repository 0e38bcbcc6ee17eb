"""Late rows: what was stored of a lead after an answer although it counts, by its times, as known before.

The store keeps no time of writing. But rows count up as they are written: whatever stands behind the first row that was received
after the answer was written after it. A row that was being written while the answer was computed may stand before that one, so
what was received shortly before the answer counts as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Table, func, select

from features.storing.holdings import about
from features.storing.schema import attribute, event, identity_link, membership, outcome, tombstone

IN_FLIGHT_US = 2_000_000
"""So long at most a row waits for its commit."""

_KNOWN = {event: event.c.received_at} | {t: t.c.known_at for t in (attribute, membership, identity_link, outcome)}


def is_late(connection: Connection, ids: Sequence[str], answered_at: int, as_of: int) -> bool:
    """Tell whether anything that counts as known at `as_of` was stored of some ids after an answer was given."""
    return any(_holds_late(connection, table, list(ids), answered_at, as_of) for table in _KNOWN)


def _holds_late(connection: Connection, table: Table, ids: list[str], answered_at: int, as_of: int) -> bool:
    known = _KNOWN[table]
    given = {"ids": ids}
    counting = select(table.c.seq).where(about(table), known <= as_of)
    flying = counting.where(known > answered_at - IN_FLIGHT_US).limit(1)
    if connection.execute(flying, given).first() is not None:
        return True
    newest = connection.execute(select(func.max(counting.subquery().c.seq)), given).scalar()
    if newest is None:
        return False
    behind = select(table.c.seq).where(known > answered_at, table.c.seq < newest).limit(1)
    return connection.execute(behind).first() is not None


def with_mates(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Return some ids and all members of the accounts that they were ever said to belong to."""
    accounts = select(membership.c.account_id).where(membership.c.lead_id.in_(ids))
    members = connection.execute(select(membership.c.lead_id).where(membership.c.account_id.in_(accounts))).scalars()
    return list(dict.fromkeys([*ids, *members]))


def forgotten_since(connection: Connection, at: int) -> bool:
    """Tell whether anybody was forgotten after an instant."""
    return connection.execute(select(tombstone.c.at).where(tombstone.c.at > at).limit(1)).first() is not None
