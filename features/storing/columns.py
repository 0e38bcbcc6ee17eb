"""The columns that every table of the store is declared with: a number that counts up, and an instant."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData

tables = MetaData()


def sequence() -> Column[int]:
    """Return a primary key that counts up in the order of insertion."""
    return Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def instant(name: str, *, nullable: bool = False) -> Column[int]:
    """Return a column of microseconds since 1970 in UTC."""
    return Column(name, BigInteger, nullable=nullable)
