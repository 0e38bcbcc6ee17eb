"""Scoring a table of features: in pieces, so that others get their turn, and every row into the ledger."""

from __future__ import annotations

from functools import partial

from features.clock import now_us
from features.matrix import FeatureMatrix
from models.answer import Asked, score_records
from serving.access import Caller
from serving.answering import Answering, doubted
from serving.feature_table import FeatureTable, ages_of, inputs_of, matrix_of, part_of
from serving.proving import Loaded
from serving.scoring import Record
from serving.services import Services
from serving.shadow_cases import rows_again


async def score_table(
    services: Services, loaded: Loaded, table: FeatureTable, asked: Asked, caller: Caller, door: str, as_of: int | None = None
) -> list[Record]:
    """Return a record for each row. The grade compares with trials of the same age, which is the feature ``trial_age_d``."""
    answering = Answering(services, loaded, asked, caller, door, now_us() if as_of is None else as_of)
    matrix = await services.compute(partial(matrix_of, table, loaded.view, answering.as_of))
    return await answering.in_pieces(table.rows, partial(_scored, answering, table, matrix))


def _scored(answering: Answering, table: FeatureTable, matrix: FeatureMatrix, rows: slice) -> list[Record]:
    loaded, piece = answering.loaded, part_of(matrix, rows)
    ages = ages_of(table, piece, rows.start)
    records: list[Record] = [
        dict(one) for one in score_records(loaded.scorer, piece, table.named()[rows], answering.asked, ages=ages)
    ]
    for record in records:
        doubted(record, table.unknown, answering.asked.phrasing)
    again = rows_again(answering.services.workspace, loaded, piece, ages)
    return answering.given(records, inputs_of(table, piece, rows.start), again)
