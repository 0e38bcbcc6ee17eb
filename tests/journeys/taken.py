"""A server with a key, and what it has stored, row by row: for journeys with the clients that people have already."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from features.clock import format_us
from features.store import EventStore
from features.storing.schema import attribute, event, identity_link, membership, quarantine
from tests.journeys.conftest import trialwise
from tests.journeys.server import running
from tests.serving.conftest import WORKSPACE
from tests.store_fixture import scratch_database

PAGE_HOST = "http://localhost"
"""Pages are served by another name than the server, so that they are of another origin whatever their port is."""


@dataclass
class Served:
    """A running server: where it is, a key that may do nothing but send, and the store behind it."""

    client: httpx.Client
    key: str
    other_key: str
    """One of scope score and ingest."""
    admin_key: str
    store: EventStore
    page_port: int = 0

    @property
    def url(self) -> str:
        return str(self.client.base_url).rstrip("/")

    def events(self, *lead_ids: str) -> list[dict[str, Any]]:
        """Return the messages of some ids in the order of their time, without the number of the row."""
        query = select(event).where(event.c.lead_id.in_(lead_ids)).order_by(event.c.at, event.c.seq)
        with self.store.reading() as connection:
            return [self._event(dict(row)) for row in connection.execute(query).mappings()]

    def _event(self, row: dict[str, Any]) -> dict[str, Any]:
        assert row["received_at"] > 1_700_000_000_000_000
        assert (len(row["digest"]), row["origin"]) == (32, "live")
        kept = {name: row[name] for name in ("message_id", "lead_id", "anonymous_id", "kind", "name", "count")}
        context = json.loads(row["context"]) if row["context"] else None
        return kept | {"at": format_us(row["at"]), "properties": json.loads(row["properties"]), "context": context}

    def links(self, *from_ids: str) -> list[tuple[str, str, str]]:
        """Return who turned out to be whom, and by which kind of call."""
        link = identity_link.c
        query = select(link.from_id, link.to_id, link.kind).where(link.from_id.in_(from_ids)).order_by(link.seq)
        return self._rows(query)

    def accounts(self, *lead_ids: str) -> list[tuple[str, str]]:
        """Return who belongs to which account."""
        one = membership.c
        return self._rows(select(one.lead_id, one.account_id).where(one.lead_id.in_(lead_ids)).order_by(one.seq))

    def traits(self, lead_id: str) -> dict[str, Any]:
        """Return what was said of a lead."""
        one = attribute.c
        rows = self._rows(select(one.name, one.value).where(one.lead_id == lead_id, one.kind == "trait").order_by(one.seq.desc()))
        return {name: json.loads(value) for name, value in rows}

    def refused(self) -> list[tuple[str, str | None, str, str]]:
        """Return everything that was refused."""
        one = quarantine.c
        return self._rows(select(one.door, one.lead_id, one.code, one.body).order_by(one.seq))

    def _rows(self, query: Any) -> list[Any]:
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(query)]


@contextmanager
def served(database: str, home: Path, *, page_port: int = 0) -> Iterator[Served]:
    """Run a server with keys over a database; a page on ``page_port`` may send to it."""
    if database == "postgresql":
        with scratch_database() as url:
            yield from _over(url, home, page_port)
    else:
        yield from _over(f"sqlite:///{home / 'store.db'}", home, page_port)


def _over(url: str, home: Path, page_port: int) -> Iterator[Served]:
    (home / "acme.yaml").write_text(WORKSPACE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIALWISE_DATABASE_URL", url)
        if page_port:
            patch.setenv("TRIALWISE_CORS_ORIGINS", f"https://app.example, {PAGE_HOST}:{page_port}")
        keys = [_key(home, *scopes) for scopes in (["ingest"], ["score", "ingest"], ["admin"])]
        with running(home / "acme.yaml", home, key=keys[2], ready=False) as client:
            store = EventStore(url)
            try:
                yield Served(client, *keys, store, page_port)
            finally:
                store.close()


def _key(home: Path, *scopes: str) -> str:
    asked = [word for scope in scopes for word in ("--scope", scope)]
    return str(json.loads(trialwise("keys", "create", *asked, "--json", home=home).stdout)["key"])
