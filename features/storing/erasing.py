"""Erasing: what was deleted from the tables goes from the files too, as far as the database lets us and others do not read it.

SQLite overwrites what it deletes (``secure_delete``), writes the file anew (``VACUUM``) and empties its log (a checkpoint with
``TRUNCATE``). PostgreSQL frees the space of dead rows (``VACUUM``) and writes over it in its own time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from features.failpoints import failpoint

WAIT_SECONDS = 5.0
"""So long others are waited for who read or write just now."""

AT_WORK = (
    "another connection was at work, so the file was not written anew; what was deleted is overwritten, forget again to finish"
)
STILL_READ = "another connection still reads the write-ahead log, which keeps older pages until its next checkpoint; forget again"
NOT_VACUUMED = "the database refused VACUUM; it will reuse the space in its own time"


def erase(engine: Engine, tables: Sequence[str]) -> str | None:
    """Remove deleted rows from the files of a database; return None once it is done, else what stood in the way."""
    if engine.dialect.name == "sqlite":
        return _erase_file(str(engine.url.database))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"VACUUM {', '.join(tables)}"))
    except DBAPIError:
        return NOT_VACUUMED
    return None


def _erase_file(path: str) -> str | None:
    connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA synchronous=FULL")
        problem = _rewrite(connection)
        failpoint("forget.before_checkpoint")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return problem or (STILL_READ if busy else None)
    except sqlite3.OperationalError:
        return STILL_READ
    finally:
        connection.close()


def _rewrite(connection: sqlite3.Connection) -> str | None:
    try:
        connection.execute("VACUUM")
    except sqlite3.OperationalError:  # others hold the file, or the disk has no room for a second one
        return AT_WORK
    return None
