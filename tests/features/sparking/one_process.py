"""The steps of the workers in one process: what Spark does between them, a shuffle by bucket, is a sort here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.reading.model_part import as_trained
from features.sparking.bucket_tables import Assembler
from features.sparking.buckets import deal_out
from features.sparking.copies import winners_of
from features.sparking.dealing import Dealer, Header, check_columns, events_spec, nests
from features.sparking.layout import event_sources, without_sources
from features.sparking.parts import IDS, LEADS, SCHEMA, TOLD
from features.sparking.people import People
from features.sparking.told import Told, sum_of
from features.sparking.working import Computes, DealIds, FirstRows, ReadRows, ReadShares, SharedIds, Surveys
from features.tables import only_of_model
from features.workspace import load_workspace


def shuffled(batches: Iterator[Any] | list[Any]) -> list[Any]:
    """Return parts sorted by bucket and kind, two to a batch."""
    table = pa.Table.from_batches(list(batches), SCHEMA)
    return table.sort_by([("bucket", "ascending"), ("kind", "ascending")]).to_batches(max_chunksize=2)


@dataclass
class Here:
    """A workspace that is dealt out to buckets."""

    parts: list[Any]
    assembler: Assembler
    told: Told
    people: People

    def survey(self, survey: Callable[[Any], Told]) -> Told:
        return sum_of(row for batch in Surveys(self.assembler, survey)(self.parts) for row in batch.column(0).to_pylist())

    def compute(self, compute: Any, columns: dict[str, str]) -> tuple[Any, Told]:
        kinds = {"text": pa.string(), "number": pa.float64()}
        schema = pa.schema([*((name, kinds[kind]) for name, kind in columns.items()), ("told", pa.binary())])
        table = pa.Table.from_batches(list(Computes(self.assembler, compute, schema)(self.parts)), schema)
        told = sum_of(row for row in table.column("told").to_pylist() if row is not None)
        rows = table.filter(pa.compute.is_null(table.column("told"))).drop_columns(["told"])
        return rows.sort_by("lead_id"), told


def gather_here(
    path: Path, *, cut: int | None = None, mates: bool = True, many: int = 5, definition: Any = None, as_rows: bool = False
) -> Here:
    """Deal a workspace out, as `features.spark.gather` does; with `as_rows` files are handed over as rows of a Spark table."""
    ws = load_workspace(path)
    own, spec = as_trained(ws, definition), events_spec(ws)
    people = People.read(ws, definition, cut)
    sources = event_sources(ws, spec.source)
    maybe = frozenset(only_of_model(ws, own, spec))
    reading = check_columns(own, [Header(one.name, one.columns(), nests(one)) for one in sources.origins], maybe)
    buckets = deal_out(many, people.together(mates=mates))
    dealer = Dealer(without_sources(own), maybe, buckets, cut)
    if as_rows:
        found = []
        for origin in sources.origins:
            asked = reading.shape.asked(origin.columns(), nested=nests(origin))
            for piece in origin.pieces(asked, frozenset()):
                table = pa.table({name: column for name, column in piece.columns.items() if name in asked})
                found += ReadRows(dealer)(table.to_batches(max_chunksize=100))
    else:
        numbers = [pa.record_batch([pa.array(range(len(sources.shares)))], names=["id"])]
        found = list(ReadShares(dealer, sources.shares)(numbers))
    whole = shuffled([*(part.batch() for part in people.parts(buckets)), *found])
    told = sum_of(part for batch in whole for _, kind, part in zip(*batch.to_pydict().values(), strict=True) if kind == TOLD)
    grow = "leads" not in people.report
    assembler = Assembler(without_sources(own), cut, grow, people.merges.newest, frozenset(told.mixed), {})
    parts = _where(whole, "greater_equal", LEADS)
    here = Here(parts, assembler, told, people)
    if spec.id is not None:
        ids = shuffled(DealIds(many)(_where(whole, "equal", IDS)))
        shared = np.array([half for batch in SharedIds()(ids) for half in batch.column(0).to_pylist()], np.int64)
        rows = [row for batch in FirstRows(assembler, shared)(parts) for row in batch.to_pylist()]
        here.assembler = replace(assembler, winners=winners_of(rows))
    return here


def _where(parts: list[Any], how: str, kind: int) -> list[Any]:
    chosen = [batch.filter(getattr(pa.compute, how)(batch.column("kind"), kind)) for batch in parts]
    return [batch for batch in chosen if batch.num_rows]
