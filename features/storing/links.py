"""Who turned out to be whom: ids that were merged into a lead, from when on that is known, and over which steps.

An id becomes another lead by the first merge of it that became known; a later one that says something else changes nothing. So
every id has at most one way on, and a merge that would lead back to where it begins does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import BindParameter, Connection, Executable, bindparam, select, text, union_all

from features.storing.schema import identity_link, membership

CHUNK = 500
LINKS_LOCK = 7_205_760
"""The number of the advisory lock under which PostgreSQL's writers of merges take turns."""

_link = identity_link.c
_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_ROW = select(_link.from_id, _link.to_id, _link.known_at, _link.at)
_MEMBERS = select(membership.c.lead_id).where(membership.c.account_id.in_(_IDS))

# Built once: putting a statement together costs as much as running it.
_FROM = _ROW.where(_link.from_id.in_(_IDS))
_AROUND = union_all(_ROW.where(_link.to_id.in_(_IDS)), _FROM)
_AROUND_MEMBERS = union_all(_ROW.where(_link.to_id.in_(_MEMBERS)), _ROW.where(_link.from_id.in_(_MEMBERS)))


class Link(NamedTuple):
    """What an id turned out to be; the least one of an id counts, in whatever order they arrived."""

    known_at: int
    to_id: str
    at: int


def links_into(connection: Connection, lead_ids: Iterable[str]) -> dict[str, Link]:
    """Return the merges of some ids, and all that end in these ids after any number of steps."""
    return _walk(connection, lead_ids, _AROUND, step=0)


def links_from(connection: Connection, lead_ids: Iterable[str]) -> dict[str, Link]:
    """Return the merges of some ids, and those of what they became."""
    return _walk(connection, lead_ids, _FROM, step=1)


def links_of_accounts(connection: Connection, account_ids: Sequence[str]) -> dict[str, Link]:
    """Return the merges of everybody who was ever said to be a member of some accounts, and of all that ended in them."""
    touched: set[str] = set()
    for start in range(0, len(account_ids), CHUNK):
        rows = connection.execute(_AROUND_MEMBERS, {"ids": account_ids[start : start + CHUNK]})
        touched.update(one for row in rows for one in row[:2])
    if not touched:
        return {}
    onward = links_from(connection, touched)
    return onward | links_into(connection, touched | {link.to_id for link in onward.values()})


def _walk(connection: Connection, lead_ids: Iterable[str], query: Executable, *, step: int) -> dict[str, Link]:
    """Follow links backwards (step 0) or forwards (step 1) until nothing new is found."""
    first: dict[str, Link] = {}
    seen: set[str] = set()
    wanted = list(dict.fromkeys(lead_ids))
    while wanted:
        seen.update(wanted)
        reached = _read(connection, wanted, query, first)
        wanted = [one for one in dict.fromkeys(ends[step] for ends in reached) if one not in seen]
    return _without_rings(first)


def _read(connection: Connection, lead_ids: Sequence[str], query: Executable, first: dict[str, Link]) -> list[tuple[str, str]]:
    """Read the links of some ids, note of each id the first one, and return the two ends of all."""
    ends = []
    for start in range(0, len(lead_ids), CHUNK):
        for from_id, to_id, known_at, at in connection.execute(query, {"ids": lead_ids[start : start + CHUNK]}):
            link = Link(known_at, to_id, at)
            first[from_id] = min(link, first.get(from_id, link))
            ends.append((from_id, to_id))
    return ends


def _without_rings(first: dict[str, Link]) -> dict[str, Link]:
    """Leave out each link that closes a ring, in the order in which they became known.

    None is stored any more, but before merges were read nobody looked.
    """
    taken: dict[str, Link] = {}
    for from_id, link in sorted(first.items(), key=lambda pair: (pair[1].known_at, pair[0])):
        if not _leads_to(taken, link.to_id, from_id):
            taken[from_id] = link
    return taken


def one_at_a_time(connection: Connection) -> None:
    """Wait until no other transaction writes merges: two halves of a ring, written at once, would not see each other.

    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LINKS_LOCK})


def changing(connection: Connection, merges: Sequence[tuple[str, str, int]]) -> list[int]:
    """Return the places of the merges (from, to, known at) that may change who is whom.

    Most do not: a browser says with every call whose it is.
    """
    first: dict[str, Link] = {}
    _read(connection, list(dict.fromkeys(from_id for from_id, _, _ in merges)), _FROM, first)
    return [
        place
        for place, (from_id, to_id, known_at) in enumerate(merges)
        if from_id not in first or (known_at, to_id) < first[from_id][:2]
    ]


def closing(connection: Connection, merges: Sequence[tuple[str, str, int]]) -> set[int]:
    """Return the places of those merges (from, to, known at) that would close a ring; those before them count as written."""
    first = links_from(connection, [one for from_id, to_id, _ in merges for one in (from_id, to_id)])
    found: set[int] = set()
    for place, (from_id, to_id, known_at) in enumerate(merges):
        link = Link(known_at, to_id, known_at)
        if from_id in first and first[from_id][:2] <= link[:2]:
            continue
        if _leads_to(first, to_id, from_id):
            found.add(place)
        else:
            first[from_id] = link
    return found


def _leads_to(first: dict[str, Link], start: str, end: str) -> bool:
    """Tell whether the way on from an id comes past another."""
    while start != end and start in first:
        start = first[start].to_id
    return start == end
