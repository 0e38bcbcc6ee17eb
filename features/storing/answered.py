"""The ledger read back: which probability was given to whom, as of when, by which model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, inspect, select

from features.storing.schema import ledger

ROWS = 50_000


class Given(NamedTuple):
    """One answer that promised something."""

    lead_id: str
    as_of: int
    probability: float
    model_version: str
    model_digest: str


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
