"""Many rows in one statement: what the driver itself is fastest at, for inserts that skip the rows which are there already.

PostgreSQL takes one array a column, written here as one text: the driver would look at every value. SQLite has no arrays and does
not say which rows of many it took, but whoever writes holds its only write lock: the rows that stand behind the newest one from
before are those that were taken. Rows go in in the order given, and whoever calls sorts them by their key, so that two
transactions that share keys wait for each other instead of locking each other out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Double, Integer, Table
from sqlalchemy.engine import Dialect

Row = tuple[Any, ...]
"""Values in the order of the columns."""


def insert_new(connection: Connection, table: Table, columns: tuple[str, ...], rows: list[Row], keys: tuple[str, ...]) -> int:
    """Insert the rows whose key is not there yet and return how many that was."""
    if not rows:
        return 0
    if connection.dialect.name == "postgresql":
        sql = _from_arrays(connection.dialect, table, columns, keys)
        return connection.exec_driver_sql(sql, _arrays(rows), _COUNTED).rowcount
    sql = _one_by_one(connection.dialect, table, columns, keys)
    return connection.exec_driver_sql(sql, rows, _COUNTED).rowcount


def insert_and_tell(connection: Connection, table: Table, columns: tuple[str, ...], rows: list[Row], key: str) -> set[str]:
    """Insert the rows whose key is not there yet and return their keys; no two of the rows have the same key.

    The table counts its rows in ``seq``.
    """
    if not rows:
        return set()
    if connection.dialect.name == "postgresql":
        sql = _from_arrays(connection.dialect, table, columns, (key,), told=key)
        (keys,) = connection.exec_driver_sql(sql, (*_arrays(rows), len(rows))).one()
        return _keys(rows, columns, key) if keys is None else set(keys)
    newest, behind = _behind(connection.dialect, table, key)
    before = connection.exec_driver_sql(newest).scalar_one()
    if insert_new(connection, table, columns, rows, (key,)) == len(rows):
        return _keys(rows, columns, key)
    return set(connection.exec_driver_sql(behind, (before,)).scalars())


def _keys(rows: Sequence[Row], columns: tuple[str, ...], key: str) -> set[str]:
    place = columns.index(key)
    return {row[place] for row in rows}


_COUNTED = {"preserve_rowcount": True}


def _arrays(rows: Sequence[Row]) -> tuple[Any, ...]:
    return tuple(map(_array, zip(*rows, strict=True)))


def _array(values: Sequence[Any]) -> Any:
    """Return values of a column as PostgreSQL reads an array; what cannot be written so quickly is left to the driver.

    Texts are joined and quoted all at once. What stands between them is NUL, which no text of a database holds.

    >>> _array((1, 2)), _array(("a", None, '"'))
    ('{1,2}', '{"a",NULL,"\\\\""}')
    """
    kinds = set(map(type, values))
    if kinds == {int}:
        return f"{{{','.join(map(str, values))}}}"
    if not kinds <= {str, type(None)}:
        return list(values)
    texts = [_NOTHING if value is None else value for value in values]
    joined = _BETWEEN.join(texts)
    if joined.count("\0") != len(texts) - 1 + values.count(None):
        return list(values)  # a text with NUL: the driver refuses it
    quoted = joined.replace("\\", "\\\\").replace('"', '\\"').replace(_BETWEEN, '","')
    return f'{{"{quoted}"}}'.replace(f'"{_NOTHING}"', "NULL")


_BETWEEN, _NOTHING = "\0,", "\0"


@lru_cache
def _from_arrays(dialect: Dialect, table: Table, columns: tuple[str, ...], keys: tuple[str, ...], told: str | None = None) -> str:
    """Return the statement that inserts; with ``told`` it answers with one row: the keys that were taken, null if all were."""
    quote = dialect.identifier_preparer.quote
    arrays = ", ".join(f"%s::{_array_of(table, name)}" for name in columns)
    into = f"{quote(table.name)} ({', '.join(map(quote, columns))})"
    skip = f"ON CONFLICT ({', '.join(map(quote, keys))}) DO NOTHING"
    insert = f"INSERT INTO {into} SELECT * FROM unnest({arrays}) {skip}"  # noqa: S608  (names of our own)
    if told is None:
        return insert
    some = f"CASE WHEN count(*) < %s THEN coalesce(array_agg({quote(told)}), '{{}}') END"
    return f"WITH taken AS ({insert} RETURNING {quote(told)}) SELECT {some} FROM taken"  # noqa: S608  (names of our own)


def _array_of(table: Table, name: str) -> str:
    kind = table.c[name].type
    if isinstance(kind, Double):
        return "float8[]"
    return "bigint[]" if isinstance(kind, BigInteger) else "integer[]" if isinstance(kind, Integer) else "text[]"


@lru_cache
def _one_by_one(dialect: Dialect, table: Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    into = f"{quote(table.name)} ({', '.join(map(quote, columns))})"
    marks = ", ".join("?" for _ in columns)
    skip = f"ON CONFLICT ({', '.join(map(quote, keys))}) DO NOTHING"
    return f"INSERT INTO {into} VALUES ({marks}) {skip}"  # noqa: S608  (names of our own)


@lru_cache
def _behind(dialect: Dialect, table: Table, key: str) -> tuple[str, str]:
    """Return what asks for the number of the newest row, and what asks for the keys of the rows after one."""
    quote = dialect.identifier_preparer.quote
    name = quote(table.name)
    return f"SELECT coalesce(max(seq), 0) FROM {name}", f"SELECT {quote(key)} FROM {name} WHERE seq > ?"  # noqa: S608  (our own)
