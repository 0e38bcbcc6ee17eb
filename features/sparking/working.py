"""What workers do: each class here is one step, called with the Arrow batches of a partition, and yields Arrow batches.

The steps are plain objects, so that Spark can send them to its workers, and tests can call them in one process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from features.errors import TrialwiseError
from features.sparking.bucket_tables import Assembler, buckets_of
from features.sparking.copies import deal_ids, first_rows, shared_ids
from features.sparking.dealing import Dealer, GivenRows, Share, gathered
from features.sparking.told import Told
from features.tables import Tables

Survey = Callable[[Tables], Told]
"""What is asked of the tables of every bucket."""

Compute = Callable[[Tables], tuple[Any, Counter[str]]]
"""What is computed from the tables of a bucket: an Arrow table, and counts to be added up."""


@dataclass(frozen=True, slots=True)
class ReadShares:
    """Reads files: the batches hold numbers of shares."""

    dealer: Dealer
    shares: tuple[Share, ...]

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for part in self.dealer.deal(self.shares[number].open()):
                    yield part.batch()


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Reads rows of a table of the cluster: the batches are these rows."""

    dealer: Dealer

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        for table in gathered(batches):
            for part in self.dealer.deal(GivenRows(table)):
                yield part.batch()


@dataclass(frozen=True, slots=True)
class DealIds:
    """Deals message ids out by themselves: the batches are parts of events."""

    many: int

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        for part in deal_ids(batches, self.many):
            yield part.batch()


@dataclass(frozen=True, slots=True)
class SharedIds:
    """Finds the message ids that several buckets have: the batches are parts of `DealIds`, sorted."""

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        return shared_ids(batches)


@dataclass(frozen=True, slots=True)
class FirstRows:
    """Finds the first row of each message id that several buckets have: the batches are parts."""

    assembler: Assembler
    shared: Any
    """The halves of these ids."""

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        return first_rows(batches, self.assembler, self.shared)


@dataclass(frozen=True, slots=True)
class Surveys:
    """Asks something of every bucket: the batches are parts, and each answer is one row."""

    assembler: Assembler
    survey: Survey

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        for bucket in buckets_of(batches):
            try:
                tables, left_out = self.assembler.tables(bucket)
                told = self.survey(tables)
                told.counts.update(left_out)
            except TrialwiseError as error:
                told = Told(error=error)
            yield pa.record_batch([pa.array([told.packed()], pa.binary())], names=["told"])


@dataclass(frozen=True, slots=True)
class Computes:
    """Computes the rows of every bucket: the batches are parts. Each bucket ends with a row that only has its account."""

    assembler: Assembler
    compute: Compute
    schema: Any
    """Of the rows, with a last column for the account."""

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        for bucket in buckets_of(batches):
            told = Told()
            try:
                tables, left_out = self.assembler.tables(bucket)
                rows, told.counts = self.compute(tables)
                told.counts.update(left_out)
                nothing = pa.nulls(rows.num_rows, pa.binary())
                yield from pa.table([*rows.columns, nothing], schema=self.schema).to_batches()
            except TrialwiseError as error:
                told.error = error
            last = [pa.nulls(1, kind) for kind in self.schema.types[:-1]]
            yield pa.record_batch([*last, pa.array([told.packed()], pa.binary())], schema=self.schema)
