"""The table of the latest scores: one row for each lead that can still pay."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Double, Index, Table, Text

from features.storing.columns import instant, tables

latest_score = Table(
    "latest_score",
    tables,
    Column("lead_id", Text, primary_key=True),
    Column("probability", Double, nullable=False),
    Column("model_digest", Text, nullable=False),  # of several models each has a scale of its own
    instant("at"),  # as of when
    Index("latest_score_by_model", "model_digest"),
)


def add_latest_scores(connection: Connection) -> None:
    """Add the table to an older store."""
    latest_score.create(connection, checkfirst=True)
