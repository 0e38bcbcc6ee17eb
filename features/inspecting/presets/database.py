"""Looking into a database: which tables it has, with which columns, and what their first rows hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from features.errors import InputError
from features.inspecting.columns import Sample, sample_origin
from features.reading.source_sql import SqlOrigin

VARIABLE = "WAREHOUSE_URL"
"""What the workspace file calls an address that holds a password."""

_SECRET = ("password", "passwd", "pwd", "token", "secret", "api_key", "apikey", "private_key")
_SYSTEM = ("information_schema", "pg_catalog", "pg_toast", "sys", "mysql", "performance_schema")


@dataclass(frozen=True, slots=True)
class TableColumns:
    """A table: its columns by their name in small letters, each with its own name and whether it holds times."""

    schema: str | None
    name: str
    columns: Mapping[str, tuple[str, bool]]


@dataclass(slots=True)
class Database:
    """A database that answered."""

    url: str
    engine: Engine
    shown: str
    tables: list[TableColumns] = field(default_factory=list)

    def quote(self, name: str) -> str:
        """Return a name as this database writes it."""
        return str(self.engine.dialect.identifier_preparer.quote(name))

    def place(self, table: TableColumns) -> str:
        """Return a table with its schema, unless that is the default one."""
        return f"{self.quote(table.schema)}.{self.quote(table.name)}" if table.schema else self.quote(table.name)

    def sample(self, query: str, columns: Sequence[str], label: str) -> Sample | None:
        """Look at the first rows of a query."""
        return sample_origin(SqlOrigin(self.url, query), columns, label)

    def counts(self, query: str, name: str) -> dict[str, int]:
        """Count the rows of a query by one of its columns, as the database itself counts."""
        counted = f"SELECT {name} AS event_name, COUNT(*) AS event_count FROM (\n{query}\n) counted GROUP BY {name}"  # noqa: S608 (names come from the database and are quoted)
        found: dict[str, int] = {}
        for piece in SqlOrigin(self.url, counted).pieces(["event_name", "event_count"], frozenset()):
            if piece.rows:
                pairs = zip(*(piece.columns[one].to_pylist() for one in ("event_name", "event_count")), strict=True)
                found.update((str(one), int(times)) for one, times in pairs if one is not None)
        return found


@contextmanager
def connect(url: str, environment: Mapping[str, str]) -> Iterator[Database]:
    """Open a database and list its tables, those of the default schema first; one that does not answer is an OutsideError."""
    origin = SqlOrigin(url, "")
    engine = origin.engine()
    try:
        try:
            database = Database(url, engine, shown_url(url, environment))
            database.tables = list(_tables(engine))
        except SQLAlchemyError as error:
            raise origin.unreachable(error) from None
        if not database.tables:
            raise InputError(
                "the database has no tables",
                given=make_url(url).render_as_string(hide_password=True),
                expected="tables or views that this user may see",
                do="check the database that the url names, and the rights of its user",
            )
        yield database
    finally:
        engine.dispose()


def _tables(engine: Engine) -> Iterator[TableColumns]:
    look = inspect(engine)
    default = look.default_schema_name
    others = [one for one in look.get_schema_names() if one != default and one.lower() not in _SYSTEM]
    for schema in [None, *others]:
        for name in sorted({*look.get_table_names(schema), *look.get_view_names(schema)}):
            columns = {
                str(one["name"]).lower(): (str(one["name"]), _is_time(one["type"])) for one in look.get_columns(name, schema)
            }
            yield TableColumns(schema, name, columns)


def _is_time(kind: Any) -> bool:
    try:
        return kind.python_type.__name__ in ("datetime", "date")
    except NotImplementedError:
        return False


def shown_url(url: str, environment: Mapping[str, str]) -> str:
    """Return what a file may show of an address: the variable that holds it, or itself if it has no password.

    >>> shown_url("postgresql://ann:x@db/acme", {}), shown_url("sqlite:///acme.db", {})
    ('${WAREHOUSE_URL}', '"sqlite:///acme.db"')
    """
    known = next((name for name in sorted(environment) if environment[name] == url and name.isidentifier()), None)
    if known is not None:
        return f"${{{known}}}"
    address = make_url(url)
    if address.password or any(word in key.lower() for key in address.query for word in _SECRET) or "${" in url:
        return f"${{{VARIABLE}}}"
    escaped = url.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
