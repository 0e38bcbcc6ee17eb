"""The ledger read back: which probability was given to whom, as of when, by which model."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, inspect, select

from features.storing.schema import ledger

ROWS = 50_000


class Given(NamedTuple):
    """One answer that promised something."""

    lead_id: str
    as_of: int
    probability: float
    model_version: str
    model_digest: str


class Noted(NamedTuple):
    """One line of the ledger with all that its answer can be computed again from."""

    seq: int
    at: int
    door: str
    lead_id: str
    as_of: int | None
    model_version: str
    model_digest: str
    probability: float | None
    stage: str
    inputs: str | None


def sample_answers(connection: Connection, number: int) -> tuple[int, list[int]]:
    """Return how many answers there are, and which of them to look at: those of the leads whose hashed ids come first.

    All answers of a lead are looked at together, and the next time they are the same, with what has come since.
    """
    rows = connection.execution_options(stream_results=True, yield_per=ROWS).execute(select(ledger.c.seq, ledger.c.lead_id))
    chosen = heapq.nsmallest(number, ((_place(lead_id), seq) for seq, lead_id in rows))
    total = int(connection.execute(select(func.count()).select_from(ledger)).scalar_one())
    return total, sorted(seq for _, seq in chosen)


def read_noted(connection: Connection, numbers: Sequence[int]) -> list[Noted]:
    """Return lines of the ledger by their numbers."""
    query = select(*(ledger.c[name] for name in Noted._fields)).where(ledger.c.seq.in_(numbers)).order_by(ledger.c.seq)
    return [Noted(*row) for row in connection.execute(query)]


def _place(lead_id: str) -> bytes:
    return hashlib.blake2b(lead_id.encode(), digest_size=8).digest()


def read_answers(connection: Connection, *, since: int, until: int) -> Iterator[Given]:
    """Yield the answers of the ledger as of instants in [since, until], in the order in which they were given."""
    if not inspect(connection).has_table(ledger.name):
        return
    one = ledger.c
    query = select(one.lead_id, one.as_of, one.probability, one.model_version, one.model_digest)
    query = query.where(one.probability.is_not(None), one.as_of >= since, one.as_of <= until).order_by(one.seq)
    with connection.execution_options(stream_results=True, yield_per=ROWS).execute(query) as result:
        for row in result:
            yield Given(*row)


def version_then(connection: Connection, lead_id: str, at: int) -> tuple[str, str] | None:
    """Return version and digest of the model that gave the last score of a stored lead by an instant, if any did."""
    one = ledger.c
    query = select(one.model_version, one.model_digest)
    query = query.where(one.lead_id == lead_id, one.at <= at, one.inputs.is_(None), one.probability.is_not(None))
    found = connection.execute(query.order_by(one.at.desc(), one.seq.desc()).limit(1)).first()
    return None if found is None else (found[0], found[1])
