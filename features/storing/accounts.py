"""Who belongs to an account, and when each of them was last active: enough to choose whose events are worth reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import BindParameter, Connection, ScalarSelect, bindparam, select
from sqlalchemy.sql.elements import ColumnElement

from features.storing.links import links_of_account
from features.storing.rows import HEARD
from features.storing.schema import event, lead, membership

CHUNK = 500

_event, _lead, _member = event.c, lead.c, membership.c
_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_KNOWN_BY: BindParameter[int] = bindparam("known_by")


def _newest(lead_id: ColumnElement[str]) -> ScalarSelect[int]:
    """Return a query for the newest event of an id: one step into the index, however many events there are."""
    known = (_event.at <= bindparam("at_most")) & (_event.received_at <= _KNOWN_BY) & _event.kind.in_(HEARD)
    return select(_event.at).where(_event.lead_id == lead_id, known).order_by(_event.at.desc()).limit(1).scalar_subquery()


_MEMBERS = select(_member.lead_id, _newest(_member.lead_id)).where(
    _member.account_id == bindparam("account"), _member.known_at <= _KNOWN_BY
)
_OTHERS = select(_lead.lead_id, _newest(_lead.lead_id)).where(_lead.lead_id.in_(_IDS))


def active_members(connection: Connection, account_id: str, *, known_by: int, at_most: int) -> dict[str, int]:
    """Return the leads that may belong to an account, each with the time of its newest event; who has none is left out.

    Only what was known by one instant and happened by another counts. Whoever was said to be a member stands there under the lead
    that it was by then; whether another account of that lead was known before is left to the reader.
    """
    given = {"account": account_id, "known_by": known_by, "at_most": at_most}
    newest: dict[str, int | None] = {row[0]: row[1] for row in connection.execute(_MEMBERS, given)}
    links = links_of_account(connection, account_id)
    way = {one: link.to_id for one, link in links.items() if link.known_at <= known_by and link.at <= at_most}
    if way:
        members = {_end(way, one) for one in newest}
        others = [one for one in {*members, *way} - newest.keys() if _end(way, one) in members]
        for start in range(0, len(others), CHUNK):
            ids = {"ids": others[start : start + CHUNK], "known_by": known_by, "at_most": at_most}
            newest.update((row[0], row[1]) for row in connection.execute(_OTHERS, ids))
    return _latest((_end(way, one), at) for one, at in newest.items() if at is not None)


def _end(way: Mapping[str, str], one: str) -> str:
    """Return what an id has become in the end."""
    while one in way:
        one = way[one]
    return one


def _latest(found: Iterable[tuple[str, int]]) -> dict[str, int]:
    latest: dict[str, int] = {}
    for one, at in found:
        latest[one] = max(at, latest.get(one, at))
    return latest
