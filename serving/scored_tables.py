"""Scoring a table of features: in pieces, so that others get their turn, and every row into the ledger."""

from __future__ import annotations

from functools import partial

from features.clock import now_us
from features.matrix import FeatureMatrix
from models.answer import Asked, score_records
from serving.access import Caller
from serving.feature_table import FeatureTable, ages_of, inputs_of, matrix_of, part_of
from serving.proving import Loaded
from serving.scoring import Record, answers_of
from serving.services import Services
from serving.shadow_cases import rows_again

CHUNK = 200
"""How many leads are scored in one go: between two of them other requests get their turn."""

UNKNOWN_FEATURES = ("unknown_features", "Some of the features that were sent are not known to the model")


async def score_table(
    services: Services, loaded: Loaded, table: FeatureTable, asked: Asked, caller: Caller, door: str, as_of: int | None = None
) -> list[Record]:
    """Return a record for each row. The grade compares with trials of the same age, which is the feature ``trial_age_d``."""
    instant = now_us() if as_of is None else as_of
    records: list[Record] = []
    with services.metrics.score_seconds.labels(door).time():
        matrix = await services.compute(partial(matrix_of, table, loaded.view, instant))
        for start in range(0, table.rows, CHUNK):
            piece = part_of(matrix, slice(start, start + CHUNK))
            records += await services.compute(partial(_score, services, loaded, table, piece, start, asked, caller, door))
    services.metrics.scores.labels(door).inc(len(records))
    return records


def _score(
    services: Services,
    loaded: Loaded,
    table: FeatureTable,
    piece: FeatureMatrix,
    start: int,
    asked: Asked,
    caller: Caller,
    door: str,
) -> list[Record]:
    ids = table.named()[start : start + len(piece)]
    ages = ages_of(table, piece, start)
    records: list[Record] = [dict(one) for one in score_records(loaded.scorer, piece, ids, asked, ages=ages)]
    if table.unknown:
        code, detail = UNKNOWN_FEATURES
        for record in records:
            record["warnings"] = [*record["warnings"], {"code": code, "detail": detail}]
    as_of = int(piece.as_of[0])
    services.ledger.note(answers_of(loaded, records, door, caller, as_of, inputs_of(table, piece, start)))
    services.shadow.note(loaded, records, rows_again(services.workspace, loaded, piece, ages))
    return records
