"""The tables of the watch: where each lead stands, how it got there, and who is still to be told.

Every row that speaks of a lead has its id in a column of its own, so that a lead can be forgotten without reading any JSON.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Double, Index, Integer, Table, Text, UniqueConstraint

from features.storing.columns import instant, sequence, tables

watch = Table(
    "watch",
    tables,
    Column("name", Text, primary_key=True),
    Column("holder", Text),  # which server process watches now
    instant("lease_until"),  # until when it may do so without asking again
    instant("began_at"),  # what stood by then is where the watch begins: it is nobody's news
    Column("position", Text, nullable=False),  # JSON: how far it has read
)

lead_state = Table(
    "lead_state",
    tables,
    Column("lead_id", Text, primary_key=True),
    Column("stage", Text, nullable=False),
    Column("grade", Text),
    Column("model_version", Text, nullable=False),  # the model that said so
    instant("at"),  # since when it is so
    Column("next_stage", Text),  # seen since `stage_since`, but not yet long enough
    instant("stage_since", nullable=True),
    Column("next_grade", Text),
    instant("grade_since", nullable=True),
    instant("due_at", nullable=True),  # when what waits is to be looked at again
    Column("revision", Integer, nullable=False),  # counts the writes: who saw an older one writes nothing
    Index("lead_state_due", "due_at"),
)
"""Where each lead stands."""

transition = Table(
    "transition",
    tables,
    sequence(),
    Column("transition_id", Text, nullable=False, unique=True),
    Column("lead_id", Text, nullable=False),
    instant("at"),
    Column("from_stage", Text, nullable=False),
    Column("to_stage", Text, nullable=False),
    Column("from_grade", Text),
    Column("to_grade", Text),
    Column("probability", Double),
    Column("model_version", Text, nullable=False),
    Column("model_digest", Text, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON: by which rule, for which reasons
    Index("transition_by_lead", "lead_id", "at"),
)
"""Each change of stage or grade, once and for good."""

outbox = Table(
    "outbox",
    tables,
    sequence(),
    Column("message_id", Text, nullable=False, unique=True),  # the same on every attempt
    Column("transition_id", Text, nullable=False),
    Column("endpoint", Text, nullable=False),  # its name in the workspace file
    Column("kind", Text, nullable=False),
    Column("lead_id", Text, nullable=False),
    Column("body", Text, nullable=False),  # the very bytes that are sent, every time
    instant("created_at"),
    instant("next_at", nullable=True),  # when to try next; null once delivered or given up
    Column("attempts", Integer, nullable=False),
    Column("answered", Text),  # the status of the last attempt, or what failed
    instant("delivered_at", nullable=True),
    instant("failed_at", nullable=True),
    UniqueConstraint("transition_id", "endpoint", "kind"),
    Index("outbox_waiting", "endpoint", "next_at"),
    Index("outbox_by_lead", "lead_id"),
)
"""One row for each endpoint and change, written in the transaction of the change."""

endpoint = Table(
    "endpoint",
    tables,
    Column("name", Text, primary_key=True),
    Column("address", Text, nullable=False),  # a digest: addresses may hold secrets
    instant("disabled_at", nullable=True),  # it answered 410: it wants no more
    instant("paused_until", nullable=True),  # it asked for less
    instant("failing_since", nullable=True),
    instant("last_success_at", nullable=True),
    Column("last_answer", Text),
)

WATCH_TABLES = (watch, lead_state, transition, outbox, endpoint)


def add_watch(connection: Connection) -> None:
    """Add the tables of the watch to an older store."""
    for table in WATCH_TABLES:
        table.create(connection, checkfirst=True)
