"""The table of what was last written into a CRM, by a digest: who has not changed since is not written again."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Table, Text

from features.storing.columns import instant, tables

pushed = Table(
    "pushed",
    tables,
    Column("target", Text, primary_key=True),  # which CRM, object and workspace
    Column("lead_id", Text, primary_key=True),
    Column("digest", Text, nullable=False),  # of what was written; contact data is not kept here
    instant("pushed_at"),
)


def add_pushed(connection: Connection) -> None:
    """Add the table to an older store."""
    pushed.create(connection, checkfirst=True)
