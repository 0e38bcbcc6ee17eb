"""The tables of the store, each fact with the two times that matter: when it happened, and when we learnt of it.

All instants are integers of microseconds since 1970 in UTC. JSON is kept as text, so that both databases hold the same bytes.
A fresh store is made whole at the newest version; an older one is brought forward by the numbered steps, which never go back.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    text,
)

from features.errors import InputError
from features.failpoints import failpoint
from features.storing.columns import instant as _instant
from features.storing.columns import sequence as _sequence
from features.storing.columns import tables as tables  # the other modules of this folder take it from here
from features.storing.latest_score_table import add_latest_scores
from features.storing.loaded_table import add_loaded
from features.storing.offer_table import add_offers
from features.storing.pushed_table import add_pushed
from features.storing.watch_tables import add_watch

schema_version = Table("schema_version", tables, Column("version", Integer, primary_key=True), _instant("applied_at"))

lead = Table("lead", tables, Column("lead_id", Text, primary_key=True), _instant("known_at"))
"""Every lead we ever heard of. What is known about it stands in the other tables."""

event = Table(
    "event",
    tables,
    _sequence(),
    Column("message_id", Text, nullable=False, unique=True),
    Column("lead_id", Text, nullable=False),
    Column("anonymous_id", Text),
    Column("kind", Text, nullable=False),  # track, page, screen, identify, group, alias
    Column("name", Text, nullable=False),  # as sent: names are folded when read
    _instant("at"),
    _instant("received_at"),
    Column("count", BigInteger, nullable=False),
    Column("properties", Text, nullable=False),
    Column("context", Text),
    Column("digest", Text, nullable=False),  # of what the caller said: a repeat that differs is a conflict
    Column("origin", Text, nullable=False),  # live or file
    Index("event_by_lead", "lead_id", "at"),
)

identity_link = Table(
    "identity_link",
    tables,
    _sequence(),
    Column("from_id", Text, nullable=False),
    Column("to_id", Text, nullable=False),
    Column("kind", Text, nullable=False),  # alias or identify
    _instant("at"),
    _instant("known_at"),
    UniqueConstraint("from_id", "to_id"),
    Index("identity_link_by_target", "to_id"),
)

attribute = Table(
    "attribute",
    tables,
    _sequence(),
    Column("lead_id", Text, nullable=False),
    Column("kind", Text, nullable=False),  # trait: as sent by identify; file: a column of the leads table; fact: started_at ...
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),  # JSON
    Column("digest", Text, nullable=False),  # of the value, so that the unique key stays short
    _instant("at"),
    _instant("known_at"),
    UniqueConstraint("lead_id", "name", "kind", "known_at", "digest"),
)

membership = Table(
    "membership",
    tables,
    _sequence(),
    Column("lead_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    _instant("at"),
    _instant("known_at"),
    UniqueConstraint("lead_id", "account_id"),
    Index("membership_by_account", "account_id"),
)

outcome = Table(
    "outcome",
    tables,
    _sequence(),
    Column("outcome_id", Text, nullable=False, unique=True),
    Column("lead_id", Text, nullable=False),
    _instant("at"),
    _instant("known_at"),
    Column("digest", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Index("outcome_by_lead", "lead_id"),
)

contact = Table(
    "contact",
    tables,
    _sequence(),
    Column("contact_id", Text, nullable=False, unique=True),
    Column("lead_id", Text, nullable=False),
    _instant("at"),
    _instant("known_at"),
    Column("play", Text),
    Column("channel", Text),
    Column("result", Text),
    Column("body", Text, nullable=False),
    Index("contact_by_lead", "lead_id"),
)

tombstone = Table("tombstone", tables, Column("lead_digest", Text, primary_key=True), _instant("at"))
"""Forgotten leads, by the HMAC of their id: enough to refuse what still arrives of them, not enough to say who they were."""

tombstone_secret = Table(
    "tombstone_secret",
    tables,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1: all tombstones have one secret
    Column("check_value", Text, nullable=False),
    _instant("at"),
)
"""The HMAC of a fixed text under the secret of the tombstones: who has another secret would find nobody forgotten."""

quarantine = Table(
    "quarantine",
    tables,
    _sequence(),
    Column("digest", Text, nullable=False, unique=True),
    Column("door", Text, nullable=False),
    Column("lead_id", Text),
    Column("code", Text, nullable=False),
    Column("body", Text, nullable=False),
    _instant("received_at"),
    _instant("replayed_at", nullable=True),
    Index("quarantine_by_lead", "lead_id"),
)
"""What was refused and why, kept so that it can be replayed once the cause is gone."""

ledger = Table(
    "ledger",
    tables,
    _sequence(),
    _instant("at"),
    Column("door", Text, nullable=False),
    Column("key_id", Text),
    Column("lead_id", Text, nullable=False),
    _instant("as_of", nullable=True),
    Column("model_version", Text, nullable=False),
    Column("model_digest", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("probability", Double),
    Column("stage", Text, nullable=False),
    Column("inputs", Text),  # JSON of what the caller posted; null where the store itself holds the inputs
    Index("ledger_by_lead", "lead_id", "at"),
)

api_key = Table(
    "api_key",
    tables,
    Column("key_id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("label", Text, nullable=False),
    _instant("created_at"),
    _instant("revoked_at", nullable=True),
)


def _tell_secrets_apart(connection: Connection) -> None:
    # A step stays as it was written, whatever becomes of the tables above.
    connection.execute(
        text("CREATE TABLE tombstone_secret (id INTEGER NOT NULL PRIMARY KEY, check_value TEXT NOT NULL, at BIGINT NOT NULL)")
    )


STEPS: tuple[Callable[[Connection], None], ...] = (
    _tell_secrets_apart,
    add_watch,
    add_loaded,
    add_pushed,
    add_offers,
    add_latest_scores,
)
"""What brings a store of version 1 to 2, of 2 to 3, and so on."""

NEWEST = 1 + len(STEPS)


def migrate(connection: Connection, now: int) -> int:
    """Bring the store to the newest version inside the caller's transaction, and return that version.

    The caller holds the write lock: of several workers that start together, one migrates and the others find it done.
    """
    schema_version.create(connection, checkfirst=True)
    found = max((int(row[0]) for row in connection.execute(select(schema_version.c.version))), default=0)
    if found > NEWEST:
        raise InputError(
            "the store is newer than this program",
            given=f"a store of version {found}",
            expected=f"at most version {NEWEST}",
            do="upgrade Trialwise",
        )
    if found == 0:
        tables.create_all(connection)
        failpoint("migrate.made")
        connection.execute(insert(schema_version).values(version=NEWEST, applied_at=now))
        found = NEWEST
    for version in range(found + 1, NEWEST + 1):
        STEPS[version - 2](connection)
        failpoint("migrate.step")
        connection.execute(insert(schema_version).values(version=version, applied_at=now))
    return NEWEST
