"""The table of how far each source of events was loaded."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Table, Text

from features.storing.columns import instant, tables

loaded = Table(
    "loaded",
    tables,
    Column("source", Text, primary_key=True),
    instant("newest"),  # the newest time at which one of its rows was known
    instant("loaded_at"),
)


def add_loaded(connection: Connection) -> None:
    """Add the table to an older store."""
    loaded.create(connection, checkfirst=True)
