"""Who belongs to which account, and when each of them was last active: enough to choose whose events are worth reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import BindParameter, Connection, ScalarSelect, bindparam, select
from sqlalchemy.sql.elements import ColumnElement

from features.storing.links import links_of_accounts
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


_MEMBERS = select(_member.account_id, _member.lead_id, _newest(_member.lead_id)).where(
    _member.account_id.in_(_IDS), _member.known_at <= _KNOWN_BY
)
_OTHERS = select(_lead.lead_id, _newest(_lead.lead_id)).where(_lead.lead_id.in_(_IDS))


def active_members(
    connection: Connection, account_ids: Sequence[str], *, known_by: int, at_most: int
) -> dict[str, dict[str, int]]:
    """Return of each account the leads that may belong to it, each with the time of its newest event; who has none is left out.

    Only what was known by one instant and happened by another counts. Whoever was said to be a member stands there under the lead
    that it was by then; whether another account of that lead was known before is left to the reader.
    """
    given = {"known_by": known_by, "at_most": at_most}
    joined: dict[str, set[str]] = {account: set() for account in account_ids}
    newest: dict[str, int | None] = {}
    for ids in _chunks(account_ids):
        for account, lead_id, at in connection.execute(_MEMBERS, {"ids": ids, **given}):
            joined[account].add(lead_id)
            newest[lead_id] = at
    links = links_of_accounts(connection, account_ids)
    way = {one: link.to_id for one, link in links.items() if link.known_at <= known_by and link.at <= at_most}
    members = {account: {_end(way, one) for one in said} for account, said in joined.items()}
    ids_of: dict[str, set[str]] = {}
    for one in {*newest, *way, *way.values()}:
        ids_of.setdefault(_end(way, one), set()).add(one)
    for ids in _chunks([one for end in set().union(*members.values()) for one in ids_of[end] - newest.keys()]):
        newest.update((row[0], row[1]) for row in connection.execute(_OTHERS, {"ids": ids, **given}))
    return {account: _latest(newest, {end: ids_of[end] for end in ends}) for account, ends in members.items()}


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _end(way: Mapping[str, str], one: str) -> str:
    """Return what an id has become in the end."""
    while one in way:
        one = way[one]
    return one


def _latest(newest: Mapping[str, int | None], ids_of: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return of each lead the time of the newest event of all its ids, without those that have none."""
    times = {end: [at for one in ids if (at := newest.get(one)) is not None] for end, ids in ids_of.items()}
    return {end: max(found) for end, found in times.items() if found}
