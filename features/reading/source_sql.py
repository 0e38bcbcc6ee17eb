"""Queries: any database that SQLAlchemy knows, read in chunks; ``:as_of`` and ``:since`` are bound if the query has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, bindparam, create_engine, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from features.clock import now_us
from features.errors import InputError, OutsideError, TrialwiseError
from features.reading.sources import EVERY, I8, Piece, as_array

_ROWS = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqlOrigin:
    """One query. Its name in messages holds no password."""

    unit = "row"

    def __init__(self, url: str, query: str, *, as_of: int | None = None, since: int | None = None) -> None:
        try:
            self._url = make_url(url)
        except ArgumentError:
            raise InputError(
                "the url of a source cannot be read",
                given="a text that is no database address",
                expected="dialect://user@host/database",
                do="correct the variable that holds it",
            ) from None
        self.name = f"the query on {self._url.render_as_string(hide_password=True)}"
        self._query = query
        self._as_of = now_us() if as_of is None else as_of
        self._since = 0 if since is None else since
        self._columns: list[str] | None = None

    def columns(self) -> Sequence[str] | None:
        """Return the columns of the answer, once the query has run."""
        return self._columns

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:  # noqa: ARG002 - the protocol's shape
        """Run the query and yield its rows, chunk by chunk."""
        engine = self.engine()
        statement = text(self._query)
        bounds = {"as_of": self._as_of, "since": self._since}
        moments = {name: _EPOCH + timedelta(microseconds=bound) for name, bound in bounds.items()}
        asked = statement.compile().params
        unbound = sorted(asked.keys() - moments.keys())
        if unbound:
            raise InputError(
                "a query of the workspace file asks for a value that nobody gives",
                given=", ".join(f":{name}" for name in unbound),
                expected="only :as_of and :since",
                do="write the value itself into the query, and a colon that is no name as \\:",
            )
        # With their type, so that each database gets its own form of a time.
        times = [bindparam(name, moment, DateTime(timezone=True)) for name, moment in moments.items() if name in asked]
        statement = statement.bindparams(*times)
        first = 0
        try:
            with engine.connect() as connection:
                try:
                    with connection.execution_options(stream_results=True).execute(statement) as result:
                        if not result.returns_rows:
                            raise InputError(
                                "a query of the workspace file asks for nothing",
                                given="a statement that returns no rows",
                                expected="a select",
                                do="correct the query",
                            )
                        self._columns = list(result.keys())
                        names = self._columns if EVERY in wanted else wanted
                        places = {name: self._columns.index(name) for name in names if name in self._columns}
                        empty = True
                        for rows in result.partitions(_ROWS):
                            empty = False
                            columns = {name: as_array([row[place] for row in rows]) for name, place in places.items()}
                            yield Piece(columns, len(rows), first)
                            first += len(rows)
                        if empty:
                            yield Piece({}, 0, 0)
                except DBAPIError as error:
                    if error.connection_invalidated:
                        raise
                    raise self._refused(error) from None
        except SQLAlchemyError as error:
            raise self.unreachable(error) from None
        finally:
            engine.dispose()

    def lines(self, rows: I8) -> I8:
        """Number the rows of the answer from 1."""
        return rows + 1

    def spoilt(self) -> list[tuple[int, str]]:
        """Return nothing: every row of an answer has its columns."""
        return []

    def engine(self) -> Engine:
        """Return the way to the database; nothing is connected yet."""
        file = self._url.database
        if self._url.get_backend_name() == "sqlite" and file and file != ":memory:" and not Path(file).exists():
            # SQLite would create it, empty, and complain about the table.
            raise InputError(
                "the database of a source is missing", given=file, expected="an SQLite file", do="correct the url of the source"
            )
        try:
            return create_engine(self._url)
        except (NoSuchModuleError, ImportError):
            raise InputError(
                f"no driver for {self._url.drivername} is installed",
                given=self.name,
                expected="an installed SQLAlchemy dialect and its driver",
                do="install the extra postgres, bigquery or snowflake, or the driver itself",
            ) from None

    def _refused(self, error: Any) -> TrialwiseError:
        return InputError(
            "the database refused a query of the workspace file",
            given=_first_line(error),
            expected="a query that runs",
            do="try it in the database and correct it",
        )

    def unreachable(self, error: Any) -> TrialwiseError:
        """Return the sentence for a database that does not answer."""
        return OutsideError(
            f"{self.name} cannot be reached",
            given=_first_line(error),
            expected="a database that answers",
            do="check the address and try again",
        )


def _first_line(error: Any) -> str:
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0] if lines else type(error).__name__
