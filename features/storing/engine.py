"""Opening the database so that what is acknowledged is on disk: SQLite or PostgreSQL, used by the same code."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from features.errors import InputError, OutsideError

MIGRATION_LOCK = 7_205_759
"""The number of the advisory lock that PostgreSQL workers take to migrate one after another."""

WAL_ATTEMPTS = 100

OUR_FAULT = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""What a database says of a statement that should not have been sent; all else is trouble of its own."""


class StoreUnavailable(OutsideError):
    """The database did not answer, was locked too long, or has no room: try again later."""


def configured_url() -> str:
    """Return where the store is: TRIALWISE_DATABASE_URL, by default a SQLite file under TRIALWISE_HOME."""
    home = Path(os.environ.get("TRIALWISE_HOME") or "var")
    return os.environ.get("TRIALWISE_DATABASE_URL") or f"sqlite:///{home / 'trialwise.db'}"


def parse_url(url: str) -> URL:
    """Read a database address; PostgreSQL is always spoken to through psycopg.

    >>> parse_url("postgresql://host/trialwise").drivername
    'postgresql+psycopg'
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is not None and parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if (
        parsed is not None
        and parsed.drivername in ("sqlite", "sqlite+pysqlite")
        and parsed.database not in (None, "", ":memory:")
    ):
        return parsed
    raise InputError(
        "the database address is not usable",
        given="something else",  # never the address itself: it may carry a password
        expected="sqlite:///path/to/file.db or postgresql://user@host/database",
        do="set TRIALWISE_DATABASE_URL",
    )


def open_engine(url: str, *, wait_ms: int) -> Engine:
    """Open the pool of connections; ``wait_ms`` bounds how long a statement waits for a lock."""
    parsed = parse_url(url)
    if parsed.drivername.startswith("sqlite"):
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        arguments: dict[str, Any] = {"timeout": wait_ms / 1000, "check_same_thread": False}
        engine = create_engine(parsed, connect_args=arguments, pool_size=16, hide_parameters=True)
        event.listen(engine, "do_connect", _connect_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    arguments = {"connect_timeout": 5, "options": f"-c synchronous_commit=on -c lock_timeout={wait_ms} -c timezone=UTC"}
    try:
        return create_engine(
            parsed,
            connect_args=arguments,
            pool_pre_ping=True,
            pool_size=16,
            pool_timeout=max(1, wait_ms // 1000),
            hide_parameters=True,  # what people did must not reach a log by way of an error
        )
    except ImportError:
        raise InputError(
            "no driver for PostgreSQL is installed",
            given="a PostgreSQL address in TRIALWISE_DATABASE_URL",
            expected="psycopg",
            do="install the extra postgres",
        ) from None


def _connect_sqlite(dialect: Dialect, _record: object, arguments: Any, parameters: Any) -> sqlite3.Connection:
    """Make every pooled connection durable before anyone uses it: in WAL only synchronous=FULL syncs at each commit."""
    connection = cast("sqlite3.Connection", dialect.connect(*arguments, **parameters))
    try:
        connection.isolation_level = None  # BEGIN is ours to say, below
        _enter_wal(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL. SQLite does not wait for others who hold the file just then, so we do."""
    for _ in range(WAL_ATTEMPTS):
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError:
            mode = "locked"
        if mode == "wal":
            return
        time.sleep(0.02)
    raise sqlite3.OperationalError("the file cannot be switched to WAL")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once when the transaction will write: a lock taken later could fail instead of waiting."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """Open a transaction that commits at the end; trouble of the database comes out as StoreUnavailable."""
    try:
        with _connected(engine) as connection:
            options: dict[str, Any] = {"writes": writes}
            if not writes and engine.dialect.name == "postgresql":
                options["isolation_level"] = "REPEATABLE READ"  # several queries, one view, as SQLite gives anyway
            with connection.execution_options(**options).begin():
                yield connection
    except OUR_FAULT as fault:
        if not fault.connection_invalidated:
            raise
        raise unavailable(fault) from fault  # on a connection that is lost a driver may say anything
    except (DatabaseError, InterfaceError, PoolTimeout) as trouble:  # a DatabaseError of no kind: a file that is damaged
        raise unavailable(trouble) from trouble


def _connected(engine: Engine) -> Connection:
    """Take a connection; nothing that happens here is the fault of a statement of ours."""
    try:
        return engine.connect()
    except OUR_FAULT as trouble:
        raise unavailable(trouble) from trouble


def unavailable(trouble: BaseException | None) -> StoreUnavailable:
    """Say in one sentence that the database failed, naming the kind of failure and never its values."""
    kind = "LockTimeout" if trouble is None else type(getattr(trouble, "orig", None) or trouble).__name__
    return StoreUnavailable(
        "the store is not available",
        given=f"a database error of kind {kind}",
        expected="a database that answers and has room",
        do="check TRIALWISE_DATABASE_URL, the disk and the database server, then try again",
    )


def lock_migrations(connection: Connection) -> None:
    """Wait until no other worker migrates. SQLite's write lock already does that."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATION_LOCK})


def insert_into(connection: Connection, table: Any) -> Any:
    """Return the dialect's own insert statement, which knows ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
