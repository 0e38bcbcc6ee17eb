"""EventStore: what leads did, who they are and what became of them, at rest in SQLite or PostgreSQL.

A method that writes returns only once its transaction is committed, and with SQLite in WAL at ``synchronous=FULL`` that means: on
disk. A message id counts once for ever, in whatever order the messages arrive.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, select

from features.clock import now_us
from features.failpoints import failpoint
from features.storing import accounts, reads, writes
from features.storing.contacted import Contacted
from features.storing.engine import lock_migrations, open_engine, transaction, unavailable
from features.storing.group_commit import GroupCommit
from features.storing.keys import Keys
from features.storing.latest_scores import LatestScores
from features.storing.lead_states import LeadStates
from features.storing.lead_states import Message as Notice
from features.storing.loaded import Loaded
from features.storing.news import News
from features.storing.outbox import Outbox
from features.storing.privacy import Privacy
from features.storing.pushed import Pushed
from features.storing.quarantined import Quarantine
from features.storing.rows import Answer, Contact, Fact, Message, Outcome, Refused, StoredLead, Told
from features.storing.schema import migrate
from features.storing.tombstones import SECRET_OPTION, forgotten, need_same_secret, write_tombstones
from features.storing.volumes import Volumes


class EventStore:
    """The store behind one address.

    Parameters
    ----------
    url
        ``sqlite:///path/to/file.db`` or ``postgresql://user@host/database``.
    wait_ms
        How long a statement waits for a lock before the store counts as unavailable.
    """

    def __init__(self, url: str, *, wait_ms: int = 1500) -> None:
        self.engine = open_engine(url, wait_ms=wait_ms)
        self._wait = wait_ms / 1000
        self._one_writer = threading.Lock() if self.engine.dialect.name == "sqlite" else None
        self._messages = GroupCommit(self.writing, writes.write_messages, wait=self._wait)
        self._outcomes = GroupCommit(self.writing, writes.write_outcomes, wait=self._wait)
        self._contacts = GroupCommit(self.writing, writes.write_contacts, wait=self._wait)
        self.keys = Keys(self.reading, self.writing)
        self.volumes = Volumes(self.reading)
        self.news = News(self.reading, self.writing)
        self.states = LeadStates(self.reading, self.writing)
        self.latest = LatestScores(self.reading, self.writing)
        self.outbox = Outbox(self.reading, self.writing)
        self.contacted = Contacted(self.reading, self.writing)
        self.loaded = Loaded(self.reading, self.writing)
        self.pushed = Pushed(self.reading, self.writing)
        self.quarantine = Quarantine(self.reading, self.writing)
        self.privacy = Privacy(self.engine, self.reading, self.writing)

    def migrate(self) -> int:
        """Create the tables, or bring them to the newest version."""
        with self.writing() as connection:
            lock_migrations(connection)
            version = migrate(connection, now_us())
            failpoint("migrate.before_commit")
        failpoint("migrate.after_commit")
        return version

    def need_same_secret(self, secret: bytes | None = None) -> None:
        """Raise InputError if leads were forgotten under another secret than this, or than the one that this machine knows.

        A secret that is given is from then on the one by which this store knows whom it forgot.
        """
        if secret is not None:
            self.engine.update_execution_options(**{SECRET_OPTION: secret})
        with self.reading() as connection:
            need_same_secret(connection, secret)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads: one consistent view."""
        with transaction(self.engine, writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes. SQLite has one writer: threads of this process queue here, not in its busy loop."""
        if self._one_writer is not None and not self._one_writer.acquire(timeout=self._wait):
            raise unavailable(None)
        try:
            with transaction(self.engine, writes=True) as connection:
                yield connection
        finally:
            if self._one_writer is not None:
                self._one_writer.release()

    def ping(self) -> None:
        """Raise StoreUnavailable unless the database answers."""
        with self.reading() as connection:
            connection.execute(select(1))

    def add(self, messages: Sequence[Message], refused: Sequence[Refused] = ()) -> list[Told]:
        """Store messages, and beside them what had to be refused, in one transaction, which other threads may share."""
        return self._messages.add(messages, refused)

    def add_outcomes(self, outcomes: Sequence[Outcome], refused: Sequence[Refused] = ()) -> list[Told]:
        """Store conversions, and beside them what had to be refused, in one transaction."""
        return self._outcomes.add(outcomes, refused)

    def add_contacts(
        self, contacts: Sequence[Contact], refused: Sequence[Refused] = (), notices: Mapping[int, Sequence[Notice]] | None = None
    ) -> list[Told]:
        """Store what sales did, and beside it what had to be refused, in one transaction.

        ``notices`` are what endpoints are told of a contact, by its place; a contact that was stored before tells nobody.
        """
        told = notices or {}
        return self._contacts.add([writes.Announced(one, told.get(i, ())) for i, one in enumerate(contacts)], refused)

    def add_leads(
        self, leads: Sequence[tuple[str, int]], facts: Sequence[Fact], memberships: Sequence[tuple[str, str, int, int]]
    ) -> int:
        """Register leads with what a leads table says about them; return how many were new."""
        with self.writing() as connection:
            return writes.write_table(connection, leads, facts, memberships)

    def add_links(self, merges: Sequence[tuple[str, str, int, int]]) -> int:
        """Store which ids turned out to be which leads (from, to, at, known at); return how many merges were new.

        Both ids are registered as leads. Of several merges of one id the one that was known first counts, and one that would lead
        back to where it begins is left out.
        """
        with self.writing() as connection:
            return writes.write_merges(connection, merges)

    def add_bulk(self, messages: Sequence[Message]) -> int:
        """Store events of leads that are registered already; return how many were new."""
        with self.writing() as connection:
            return writes.write_bulk(connection, messages)

    def add_answers(self, answers: Sequence[Answer]) -> None:
        """Append to the ledger."""
        with self.writing() as connection:
            writes.write_answers(connection, answers)

    def add_tombstones(self, lead_ids: Sequence[str], secret: bytes, at: int) -> None:
        """Note that leads were forgotten; another secret than that of the first tombstone is refused."""
        with self.writing() as connection:
            write_tombstones(connection, secret, lead_ids, at)

    def forgotten(self, lead_ids: Sequence[str]) -> int:
        """Return how many of some ids are those of leads that were forgotten."""
        with self.reading() as connection:
            return int(forgotten(connection, lead_ids).sum())

    def lead(self, lead_id: str) -> StoredLead | None:
        """Return all that is known about one lead, or None if we never heard of it."""
        return self.leads([lead_id]).get(lead_id)

    def leads(self, lead_ids: Sequence[str]) -> dict[str, StoredLead]:
        """Return all that is known about each of these leads; unknown ones are left out."""
        with self.reading() as connection:
            return reads.read_leads(connection, lead_ids)

    def active_members(self, account_ids: Sequence[str], *, known_by: int, at_most: int) -> dict[str, dict[str, int]]:
        """Return of each account the leads that may belong to it, each with the time of its newest event, if it has one."""
        with self.reading() as connection:
            return accounts.active_members(connection, account_ids, known_by=known_by, at_most=at_most)

    def lead_ids(self, as_of: int | None = None, *, by_account: bool = False) -> list[str]:
        """Return the ids of all leads, sorted, without those that are known by then, or by now, to be another lead.

        Sorted by account first, leads whose features need the same mates stand side by side.
        """
        with self.reading() as connection:
            return reads.lead_ids(connection, now_us() if as_of is None else as_of, by_account=by_account)

    def contacted_since(self, at: int, known_by: int) -> set[str]:
        """Return the ids of the leads that somebody spoke to after an instant, as far as that was known by another."""
        with self.reading() as connection:
            return reads.contacted_since(connection, at, known_by)

    def counts(self) -> dict[str, int]:
        """Return how many rows each table holds."""
        with self.reading() as connection:
            return reads.counts(connection)
