"""The table of the hold-out: which play was proposed for which lead, or kept from it at random, and with which chance."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Connection, Double, Index, Table, Text, UniqueConstraint

from features.storing.columns import instant, sequence, tables

offer = Table(
    "offer",
    tables,
    sequence(),
    Column("lead_id", Text, nullable=False),
    Column("play", Text, nullable=False),
    Column("salt", Text, nullable=False),  # another salt is another draw
    instant("at"),  # when it was proposed, or kept back, for the first time
    Column("held_out", Boolean, nullable=False),
    Column("propensity", Double, nullable=False),  # the chance with which it was proposed
    Column("stage", Text, nullable=False),
    Column("probability", Double, nullable=False),
    Column("difference", Double, nullable=False),  # what the model expected of it
    Column("model_version", Text, nullable=False),
    UniqueConstraint("lead_id", "play", "salt", "propensity"),
    Index("offer_by_play", "play", "at"),
)


def add_offers(connection: Connection) -> None:
    """Add the table to an older store."""
    offer.create(connection, checkfirst=True)
