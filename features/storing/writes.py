"""Writing to the store. Every function works inside the caller's transaction and writes nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from features.storing import links, schema
from features.storing.bulk import Row, insert_and_tell, insert_new
from features.storing.engine import insert_into
from features.storing.gate import barred, ids_of, let_in, without_forgotten
from features.storing.lead_states import Message as Notice
from features.storing.lead_states import put
from features.storing.rows import Answer, Contact, Fact, Message, Outcome, Refused, Told, digest_of, to_json
from features.storing.said_ids import said_ids

CHUNK = 500
"""How many ids one query asks for."""

EVENT_COLUMNS = (
    "message_id", "lead_id", "anonymous_id", "kind", "name", "at", "received_at", "count", "properties", "context", "digest",
    "origin",
)  # fmt: skip
"""The order of the values in `event_row`."""
_OUTCOME_COLUMNS = ("outcome_id", "lead_id", "at", "known_at", "digest", "origin")
_CONTACT_COLUMNS = ("contact_id", "lead_id", "at", "known_at", "play", "channel", "result", "body")
_LEAD_COLUMNS = ("lead_id", "known_at")


class Announced(NamedTuple):
    """A contact, and what endpoints are told of it once it is stored."""

    contact: Contact
    messages: Sequence[Notice] = ()


def write_messages(connection: Connection, messages: Sequence[Message]) -> list[Told]:
    """Store messages, each id once for ever, and say of each what became of it.

    What a message says about a lead (traits, account, merge) is stored only with the message itself, so a repeat adds nothing. A
    message with a merge that would lead back to itself is not stored, nor is one of a lead that was forgotten.
    """
    return let_in(connection, messages, ids_of, _write_messages)


def _write_messages(connection: Connection, messages: Sequence[Message]) -> list[Told]:
    rings = _rings(connection, messages)
    items = [(message.message_id, message.digest, message) for place, message in enumerate(messages) if place not in rings]
    told, fresh = _write_once(connection, schema.event, EVENT_COLUMNS, items, event_row)
    if rings:
        told_of = iter(told)
        told = ["merge_cycle" if place in rings else next(told_of) for place in range(len(messages))]
    write_leads(connection, [(m.lead_id, m.received_at) for m in fresh])
    write_facts(connection, [fact for m in fresh if m.traits for fact in _facts(m)])
    write_memberships(connection, [(m.lead_id, m.account_id, m.at, m.known_at) for m in fresh if m.account_id is not None])
    _write_links(connection, [(m.merged_from, m.lead_id, m.kind, m.at, m.known_at) for m in fresh if m.merged_from is not None])
    return told


def write_merges(connection: Connection, merges: Sequence[tuple[str, str, int, int]]) -> int:
    """Store merges (from, to, at, known at) of a table and return how many were new; one that closes a ring is left out."""
    told = without_forgotten(connection, [merge for merge in merges if merge[0] != merge[1]], lambda merge: merge[:2])
    links.one_at_a_time(connection)
    rings = links.closing(connection, [(from_id, to_id, known_at) for from_id, to_id, _, known_at in told])
    good = [merge for place, merge in enumerate(told) if place not in rings]
    write_leads(connection, ((one, known_at) for from_id, to_id, _, known_at in good for one in (from_id, to_id)))
    return _write_links(connection, [(from_id, to_id, "file", at, known_at) for from_id, to_id, at, known_at in good])


def write_outcomes(connection: Connection, outcomes: Sequence[Outcome]) -> list[Told]:
    """Store conversions, each id once for ever. A lead may pay before we hear anything else of it."""
    return let_in(connection, outcomes, _one, _write_outcomes)


def _write_outcomes(connection: Connection, outcomes: Sequence[Outcome]) -> list[Told]:
    told, fresh = _write_once(
        connection,
        schema.outcome,
        _OUTCOME_COLUMNS,
        [(outcome.outcome_id, outcome.digest, outcome) for outcome in outcomes],
        _outcome_row,
    )
    write_leads(connection, ((outcome.lead_id, outcome.known_at) for outcome in fresh))
    return told


def write_contacts(connection: Connection, contacts: Sequence[Announced]) -> list[Told]:
    """Store what sales did, each id once for ever; what is to be told of it goes into the outbox with it."""
    return let_in(connection, contacts, lambda one: (one.contact.lead_id,), _write_contacts)


def _write_contacts(connection: Connection, announced: Sequence[Announced]) -> list[Told]:
    contacts = [one.contact for one in announced]
    told, fresh = _write_once(
        connection,
        schema.contact,
        _CONTACT_COLUMNS,
        [(contact.contact_id, contact.body, contact) for contact in contacts],
        _contact_row,
        said="body",
    )
    write_leads(connection, ((contact.lead_id, contact.known_at) for contact in fresh))
    new = {id(contact) for contact in fresh}
    put(connection, (message for one in announced if id(one.contact) in new for message in one.messages))
    return told


def write_refused(connection: Connection, refused: Sequence[Refused]) -> None:
    """Keep what was refused, the same item for the same reason once; nothing is kept that names a lead which was forgotten."""
    if not refused:
        return
    kept = without_forgotten(connection, refused, _named)
    rows = [asdict(item) | {"digest": digest_of(item.door, item.code, item.body), "replayed_at": None} for item in kept]
    _ignore_known(connection, schema.quarantine, rows, ("digest",))


def write_facts(connection: Connection, facts: Sequence[Fact]) -> int:
    """Store values said about leads; a value already said at that time is not stored again."""
    rows = [asdict(fact) | {"value": to_json(fact.value), "digest": digest_of(fact.value)} for fact in facts]
    return _ignore_known(connection, schema.attribute, rows, ("lead_id", "name", "kind", "known_at", "digest"))


def write_memberships(connection: Connection, memberships: Iterable[tuple[str, str, int, int]]) -> None:
    """Store which lead belongs to which account; the earliest time we knew it stays."""
    rows = [{"lead_id": a, "account_id": b, "at": c, "known_at": d} for a, b, c, d in memberships]
    _keep_earliest(connection, schema.membership, rows, ("lead_id", "account_id"))


def write_leads(connection: Connection, leads: Iterable[tuple[str, int]]) -> int:
    """Register leads and return how many of them were new."""
    earliest = dict(sorted(leads, key=_known, reverse=True))  # of equal ids the last stays
    return insert_new(connection, schema.lead, _LEAD_COLUMNS, sorted(earliest.items()), ("lead_id",))


def write_bulk(connection: Connection, messages: Sequence[Message]) -> int:
    """Store messages that carry nothing but an event, without asking what became of each; return how many were new."""
    kept = without_forgotten(connection, messages, ids_of)
    rows = sorted(map(event_row, kept), key=_first)
    return insert_new(connection, schema.event, EVENT_COLUMNS, rows, ("message_id",))


_ANSWERED = tuple(column.name for column in fields(Answer))
_line = attrgetter(*_ANSWERED)


def write_answers(connection: Connection, answers: Sequence[Answer]) -> None:
    """Append to the ledger, except what was answered of a lead that was forgotten."""
    kept = without_forgotten(connection, answers, _one) if answers else ()
    if kept:
        lines = [dict(zip(_ANSWERED, _line(answer), strict=True)) for answer in kept]
        connection.execute(insert_into(connection, schema.ledger), lines)


def write_table(
    connection: Connection,
    leads: Sequence[tuple[str, int]],
    facts: Sequence[Fact],
    memberships: Sequence[tuple[str, str, int, int]],
) -> int:
    """Store what a leads table says, without the leads that were forgotten, and return how many were new."""
    gone = barred(connection, (lead_id for lead_id, _ in leads))
    new = write_leads(connection, [one for one in leads if one[0] not in gone])
    write_facts(connection, [fact for fact in facts if fact.lead_id not in gone])
    write_memberships(connection, [one for one in memberships if one[0] not in gone])
    return new


def _one(item: Outcome | Contact | Answer) -> tuple[str]:
    return (item.lead_id,)


def _named(item: Refused) -> set[str]:
    """Return every id that a refused item names; asked only where somebody was forgotten."""
    return said_ids(item.body) | ({item.lead_id} if item.lead_id is not None else set())


def _write_once(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    items: Sequence[tuple[str, str, Any]],
    row: Callable[[Any], Row],
    *,
    said: str = "digest",
) -> tuple[list[Told], list[Any]]:
    """Insert the items whose id is new and tell of each whether it was new, repeated or contradicted.

    The id is the first of the columns, and the column ``said`` holds what a repeat has to say again.
    Rows go in sorted by id: two transactions that share ids then wait for each other instead of locking each other out.
    """
    first: dict[str, int] = {}
    for place, (item_id, _, _) in enumerate(items):
        first.setdefault(item_id, place)
    rows = [row(items[first[item_id]][2]) for item_id in sorted(first)]
    key = columns[0]
    inserted = insert_and_tell(connection, table, columns, rows, key)
    if len(inserted) == len(items):  # nothing but news, as nearly always
        return ["accepted"] * len(items), [item for _, _, item in items]
    before = _digests(connection, table, key, [item_id for item_id in first if item_id not in inserted], said)
    told: list[Told] = []
    fresh: list[Any] = []
    for place, (item_id, digest, item) in enumerate(items):
        if item_id in inserted and first[item_id] == place:
            told.append("accepted")
            fresh.append(item)
        else:
            told.append("duplicate" if digest == before.get(item_id, items[first[item_id]][1]) else "conflict")
    return told, fresh


def _digests(connection: Connection, table: Table, key: str, ids: Sequence[str], said: str = "digest") -> dict[str, str]:
    """Return the stored fingerprint of each id."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(table.c[key], table.c[said]).where(table.c[key].in_(ids[start : start + CHUNK]))
        found.update((row[0], row[1]) for row in connection.execute(query))
    return found


def event_row(message: Message) -> Row:
    """Return the row of the table of events that a message becomes."""
    return (
        message.message_id,
        message.lead_id,
        message.anonymous_id,
        message.kind,
        message.name,
        message.at,
        message.received_at,
        message.count,
        message.written or (to_json(message.properties) if message.properties else "{}"),
        message.written_context or (to_json(message.context) if message.context else None),
        message.digest,
        message.origin,
    )


def _outcome_row(outcome: Outcome) -> Row:
    return tuple(getattr(outcome, name) for name in _OUTCOME_COLUMNS)


def _contact_row(contact: Contact) -> Row:
    return tuple(getattr(contact, name) for name in _CONTACT_COLUMNS)


_known = itemgetter(1)


def _first(row: Row) -> Any:
    return row[0]


def _facts(message: Message) -> list[Fact]:
    """Return the traits of a message, first things known first."""
    return [
        Fact(message.lead_id, "trait", name, value, message.at, message.known_at)
        for name, value in message.traits.items()
        if value is not None
    ]


def _rings(connection: Connection, messages: Sequence[Message]) -> set[int]:
    """Return the places of the messages with a merge that would lead back to itself. A repeat says nothing new and has none."""
    told = {
        place: (m.merged_from, m.lead_id, m.known_at)
        for place, m in enumerate(messages)
        if m.merged_from is not None and m.merged_from != m.lead_id
    }
    places = list(told)
    changing = [places[one] for one in links.changing(connection, list(told.values()))] if told else []
    if not changing:
        return set()
    links.one_at_a_time(connection)  # before anything is written: whoever waits must not hold rows that another waits for
    known = _digests(connection, schema.event, "message_id", [messages[place].message_id for place in changing])
    rings: set[int] = set()
    while True:  # the repeat of a message that is not stored is the first of its id
        first: dict[str, int] = {}
        for place, message in enumerate(messages):
            if place not in rings:
                first.setdefault(message.message_id, place)
        new = [one for one in changing if messages[one].message_id not in known and first.get(messages[one].message_id) == one]
        found = {new[ring] for ring in links.closing(connection, [told[place] for place in new])}
        if not found:
            return rings
        rings |= found


def _write_links(connection: Connection, merges: Iterable[tuple[str, str, str, int, int]]) -> int:
    """Store merges, of the same two ids the one that was known first, and return how many were new."""
    rows = [{"from_id": a, "to_id": b, "kind": c, "at": d, "known_at": e} for a, b, c, d, e in merges if a != b]
    new = _ignore_known(connection, schema.identity_link, rows, ("from_id", "to_id"))
    _keep_earliest(connection, schema.identity_link, rows, ("from_id", "to_id"))
    return new


def _ignore_known(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], keys: tuple[str, ...]) -> int:
    """Insert the rows that are not there yet and return how many that was."""
    if not rows:
        return 0
    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in keys))
    return insert_new(connection, table, tuple(rows[0]), [tuple(row.values()) for row in ordered], keys)


def _keep_earliest(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], keys: tuple[str, ...]) -> None:
    """Insert the rows, and where one is there already keep the earlier of the two times at which it was known."""
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: (*(row[key] for key in keys), row["known_at"]))
    statement = insert_into(connection, table)
    statement = statement.on_conflict_do_update(
        index_elements=list(keys),
        set_={"at": statement.excluded.at, "known_at": statement.excluded.known_at},
        where=statement.excluded.known_at < table.c.known_at,
    )
    connection.execute(statement, ordered)
