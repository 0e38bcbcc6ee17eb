"""Where the rows of a workspace are for a cluster: which files, which queries, and what is too small to be divided."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import InputError
from features.reading.sources import SPARK, Origin, open_sources
from features.sparking.dealing import Share, shares
from features.workspaces.data import FileSource, SqlSource, StoreSource
from features.workspaces.schema import Workspace

Source = FileSource | SqlSource | StoreSource

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_TEXT = re.compile(r"\.(csv|tsv|json|jsonl|ndjson)(\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EventSources:
    """The sources of the events, sorted by who reads them."""

    origins: tuple[Origin, ...]
    """Files that every worker can open by their path, read by our own reader."""
    shares: tuple[Share, ...]
    """The same files, divided among workers."""
    remote: tuple[str, ...]
    """Addresses of Parquet that only Spark can open."""
    queries: tuple[str, ...]
    """Queries for the Spark session."""

    @property
    def rows(self) -> int:
        """How many rows the files have, as far as that can be told beforehand."""
        return sum(share.rows for share in self.shares)


def event_sources(ws: Workspace, sources: Sequence[Source]) -> EventSources:
    """Sort the sources of events; refuse those that only one machine can read."""
    files: list[FileSource] = []
    remote, queries = [], []
    for source in sources:
        if isinstance(source, SqlSource) and source.url == SPARK:
            queries.append(source.query)
        elif not isinstance(source, FileSource):
            raise InputError(
                "Spark does not read this source of data.events",
                given="the store" if isinstance(source, StoreSource) else "a query on another database",
                expected="Parquet files, or {url: spark, query: ...} on a table of Spark",
                do="export the events to Parquet, or leave out --engine spark",
            )
        elif is_remote(source.path):
            remote.append(_parquet(source.path, "events"))
        else:
            files.append(source)
    origins = tuple(open_sources("events", files, ws.folder))
    return EventSources(origins, tuple(one for path in _paths(origins) for one in shares(path)), tuple(remote), tuple(queries))


def is_remote(path: str) -> bool:
    """Tell whether a source is the address of a file system of a cluster.

    >>> is_remote("s3a://bucket/events/*.parquet"), is_remote("dbfs:/events"), is_remote("events.parquet"), is_remote("C:/e.csv")
    (True, True, False, False)
    """
    return _REMOTE.match(path) is not None


def _parquet(path: str, table: str) -> str:
    if _TEXT.search(path):
        raise InputError(
            f"Spark does not read this source of data.{table}",
            given=path,
            expected="Parquet, since text files are read by the rules of Spark and not by ours",
            do="write the rows as Parquet, or copy the files to where every worker can open them by their path",
        )
    return path


def _paths(origins: Sequence[Any]) -> list[Path]:
    return [origin.path for origin in origins]


def fetched(ws: Workspace, folder: Path, fetch: Callable[[str, bool], Any]) -> Workspace:
    """Return the workspace with the small tables that Spark has as files in a folder; `fetch` reads a query or an address."""
    files: dict[Source, FileSource] = {}

    def local(source: Source, table: str) -> Source:
        query = isinstance(source, SqlSource) and source.url == SPARK
        if not query and not (isinstance(source, FileSource) and is_remote(source.path)):
            return source
        if source not in files:
            from pyarrow import parquet

            text = source.query if isinstance(source, SqlSource) else _parquet(source.path, table)  # type: ignore[union-attr]  # what is no query is a file here
            path = folder / f"{table} of Spark {len(files) + 1}.parquet"
            parquet.write_table(fetch(text, query), path)
            files[source] = FileSource(path=str(path))
        return files[source]

    changed = {}
    for table in ("leads", "conversions", "identities"):
        spec = getattr(ws.data, table)
        if spec is not None and spec.source:
            sources = tuple(local(source, table) for source in spec.source)
            changed[table] = spec.model_copy(update={"source": sources})
    return ws.model_copy(update={"data": ws.data.model_copy(update=changed)})


def without_sources(ws: Workspace) -> Workspace:
    """Return the workspace as workers get it: no address, and no secret that may stand in one."""
    changed = {}
    for table in ("leads", "events", "conversions", "identities", "contacts"):
        spec = getattr(ws.data, table)
        if spec is not None and spec.source:
            changed[table] = spec.model_copy(update={"source": (StoreSource(),)})
    return ws.model_copy(update={"data": ws.data.model_copy(update=changed), "webhooks": {}})


def check_folder(out: Path) -> None:
    """Refuse a place that Spark would not write to, or that holds something else, before any work is done."""
    if out.suffix != ".parquet":
        raise InputError(
            "--out has an ending that Spark does not write", given=out.name, expected=".parquet", do="name a folder so"
        )
    if not is_remote(address_of(out)) and out.exists() and not (out / "_SUCCESS").is_file():
        raise InputError(
            "--out is there already", given=str(out), expected="a new folder, or one that Spark wrote", do="choose another --out"
        )


def address_of(out: Path) -> str:
    """Return a place as it was written: a path has lost one of the two slashes of an address.

    >>> [address_of(Path(out)) for out in ("s3a://bucket/s.parquet", "dbfs:/s.parquet", "s.parquet")]
    ['s3a://bucket/s.parquet', 'dbfs:/s.parquet', 's.parquet']
    """
    text = out.as_posix()
    scheme, mark, rest = text.partition(":/")
    return f"{scheme}://{rest}" if mark and is_remote(text) and scheme not in ("dbfs", "file") else text
