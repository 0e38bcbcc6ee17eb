"""Reading from the store: everything about some leads, in the order in which it became known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from features.clock import NEVER
from features.storing import schema
from features.storing.links import Link, links_into
from features.storing.rows import HEARD, Fact, Merged, Outcome, StoredEvent, StoredLead

CHUNK = 500

_lead, _event, _fact = schema.lead.c, schema.event.c, schema.attribute.c
_outcome, _member, _contact = schema.outcome.c, schema.membership.c, schema.contact.c
_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)

# Built once: putting a statement together costs as much as running it.
_LEADS = select(_lead.lead_id, _lead.known_at).where(_lead.lead_id.in_(_IDS))
_EVENTS = (
    select(_event.lead_id, _event.name, _event.at, _event.received_at, _event.count, _event.properties)
    .where(_event.lead_id.in_(_IDS), _event.kind.in_(HEARD))
    .order_by(_event.at, _event.seq)
)
_FACTS = (
    select(_fact.lead_id, _fact.kind, _fact.name, _fact.value, _fact.at, _fact.known_at)
    .where(_fact.lead_id.in_(_IDS))
    .order_by(_fact.known_at, _fact.seq)
)
_OUTCOMES = (
    select(_outcome.outcome_id, _outcome.lead_id, _outcome.at, _outcome.known_at, _outcome.origin)
    .where(_outcome.lead_id.in_(_IDS))
    .order_by(_outcome.known_at, _outcome.seq)
)
_ACCOUNTS = (
    select(_member.lead_id, _member.account_id, _member.known_at)
    .where(_member.lead_id.in_(_IDS))
    .order_by(_member.known_at, _member.seq)
)


def read_leads(connection: Connection, lead_ids: Sequence[str]) -> dict[str, StoredLead]:
    """Return all that is known about each of these leads, and whoever turned out to be one of them; unknown ones are left out.

    Events come in order of time, then of arrival; facts in the order in which they became known.
    """
    found: dict[str, StoredLead] = {}
    for start in range(0, len(lead_ids), CHUNK):
        wanted = lead_ids[start : start + CHUNK]
        links = links_into(connection, wanted)
        everybody = list(dict.fromkeys([*wanted, *links])) if links else list(wanted)
        read: dict[str, StoredLead] = {}
        for place in range(0, len(everybody), CHUNK):
            _read_chunk(connection, everybody[place : place + CHUNK], read)
        found.update((one, read[one]) for one in wanted if one in read)
        _connect(read, links)
    return found


def _read_chunk(connection: Connection, ids: list[str], found: dict[str, StoredLead]) -> None:
    given = {"ids": ids}
    for lead_id, known_at in connection.execute(_LEADS, given).all():
        found[lead_id] = StoredLead(lead_id, known_at)
    for lead_id, name, at, received_at, count, properties in connection.execute(_EVENTS, given).all():
        found[lead_id].events.append(StoredEvent(name, at, received_at, count, properties))
    for lead_id, kind, name, value, at, known_at in connection.execute(_FACTS, given).all():
        found[lead_id].facts.append(Fact(lead_id, kind, name, json.loads(value), at, known_at))
    for outcome_id, lead_id, at, known_at, origin in connection.execute(_OUTCOMES, given).all():
        found[lead_id].outcomes.append(Outcome(outcome_id, lead_id, at, known_at, origin))
    for lead_id, account_id, known_at in connection.execute(_ACCOUNTS, given).all():
        found[lead_id].accounts.append((account_id, known_at))


def _connect(read: dict[str, StoredLead], links: Mapping[str, Link]) -> None:
    """Give every lead its sources; an id of which nothing else is known still stands as a step between two others."""
    for from_id in links:
        read.setdefault(from_id, StoredLead(from_id, NEVER))
    for from_id, link in sorted(links.items()):
        source, merged = read[from_id], Merged(link.at, link.known_at)
        source.merged = merged
        if link.to_id in read:
            read[link.to_id].sources.append((source, merged))


def lead_ids(connection: Connection, as_of: int, *, by_account: bool) -> list[str]:
    """Return the ids of all leads, sorted; ids that are known by then to be another lead are not leads of their own."""
    merged = select(schema.identity_link.c.from_id).where(schema.identity_link.c.known_at <= as_of)
    query = select(_lead.lead_id).where(_lead.lead_id.not_in(merged))
    ids = sorted(connection.execute(query).scalars())
    if by_account:
        first = select(_member.lead_id, func.min(_member.account_id)).group_by(_member.lead_id)
        account: dict[str, str] = {row[0]: row[1] for row in connection.execute(first)}
        ids.sort(key=lambda one: account.get(one, ""))
    return ids


def contacted_since(connection: Connection, at: int, known_by: int) -> set[str]:
    """Return the ids that a contact after an instant names."""
    query = select(_contact.lead_id).where(_contact.at > at, _contact.known_at <= known_by)
    return set(connection.execute(query).scalars())


def counts(connection: Connection) -> dict[str, int]:
    """Return how many rows each table holds."""
    tables = schema.tables.sorted_tables
    return {table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one()) for table in tables}
