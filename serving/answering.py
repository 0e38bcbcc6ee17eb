"""Answering: rows are scored in pieces, and every score leaves a line for the ledger, its count, and a case for the shadow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from models.answer import Asked
from models.phrasing import Phrasing
from serving.access import Caller
from serving.proving import Loaded
from serving.scoring import Record, answers_of
from serving.services import Services
from serving.shadow import Again

Item = TypeVar("Item")
T = TypeVar("T")

CHUNK = 200
"""How many leads are scored in one go: between two of them other requests get their turn."""

UNKNOWN_FEATURES = "unknown_features"


class Answering:
    """One request for scores: by which model, to whom, through which door, as of when."""

    def __init__(self, services: Services, loaded: Loaded, asked: Asked, caller: Caller, door: str, as_of: int) -> None:
        self.services = services
        self.loaded = loaded
        self.asked = asked
        self.caller = caller
        self.door = door
        self.as_of = as_of

    async def in_pieces(self, rows: int, score: Callable[[slice], list[T]]) -> list[T]:
        """Return what `score` makes of each row, in pieces."""
        found: list[T] = []
        with self.services.metrics.score_seconds.labels(self.door).time():
            for start in range(0, rows, CHUNK):
                found += await self.services.compute(partial(score, slice(start, start + CHUNK)))
        return found

    async def at_once(self, item: Item, score: Callable[[Sequence[Item]], Sequence[T]]) -> T:
        """Return what `score` makes of one row; the rows of others who ask alike may go with it."""
        asked = self.asked
        alike = (id(self.loaded), asked.reasons, asked.phrasing.language, asked.warnings)
        with self.services.metrics.score_seconds.labels(self.door).time():
            return await self.services.compute_together(alike, item, score)

    def given(self, records: list[Record], inputs: Sequence[str | None], again: Again) -> list[Record]:
        """Return scores that are about to be answered, noted with what they were made of and how to make them again."""
        self.services.ledger.note(answers_of(self.loaded, records, self.door, self.caller, self.as_of, inputs))
        self.services.shadow.note(self.loaded, records, again)
        self.services.metrics.scores.labels(self.door).inc(len(records))
        return records


def doubted(record: Record, unknown: int, words: Phrasing) -> None:
    """Say with a score that so many of the features that were sent are not known to the model."""
    if unknown:
        record["warnings"] = [*record["warnings"], {"code": UNKNOWN_FEATURES, "detail": words.warning(UNKNOWN_FEATURES)}]
