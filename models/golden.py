"""Golden rows: invented inputs stored with the scores they must give, so that a model can prove itself wherever it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec
from models.errors import damaged
from models.strict import Fields

if TYPE_CHECKING:
    from models.scorer import Scorer

Floats = NDArray[np.float64]

ROWS = 64
MOST_ROWS = 10_000
MISSING_SHARE = 0.2


def golden_rows(columns: Sequence[ColumnSpec]) -> Floats:
    """Invent rows inside the columns' ranges: all missing, all lowest, all highest, then mixtures; no lead's own values.

    Sizes are drawn evenly on a curve that favours small ones, where most splits are.
    """
    draw = np.random.default_rng(20_250_607)
    rows = np.full((ROWS, len(columns)), np.nan)
    for j, column in enumerate(columns):
        along = draw.random(ROWS) ** 3
        values = column.lower + along * (column.upper - column.lower)
        if column.kind == "category":
            values = np.floor(draw.random(ROWS) * (column.size + 1))
        elif column.lower.is_integer() and column.upper.is_integer() and column.upper > 1:
            values = np.floor(values)
        values[draw.random(ROWS) < MISSING_SHARE] = np.nan
        values[:3] = (np.nan, column.lower, column.upper)
        rows[:, j] = values
    return rows


def golden_json(scorer: Scorer, rows: Floats) -> dict[str, object]:
    """Return rows with their scores as plain values; missing is null."""
    return {
        "inputs": [[None if np.isnan(value) else value for value in row] for row in rows.tolist()],
        "raw": scorer.raw(rows).tolist(),
        "probability": scorer.probability(rows).tolist(),
    }


def read_golden(value: object, columns: Sequence[ColumnSpec]) -> tuple[Floats, Floats, Floats]:
    """Read golden rows strictly: inputs, raw scores and probabilities."""
    fields = Fields(value, "golden.json", ("inputs", "raw", "probability"))
    inputs = fields.items("inputs", 1, MOST_ROWS)
    rows = np.empty((len(inputs), len(columns)))
    for i, row in enumerate(inputs):
        if not isinstance(row, list) or len(row) != len(columns) or not all(n is None or type(n) in (int, float) for n in row):
            raise damaged("golden.json has a wrong row", given=f"row {i}", expected=f"{len(columns)} numbers or nulls")
        rows[i] = [np.nan if n is None else float(n) for n in row]
    return rows, fields.numbers("raw", len(rows)), fields.numbers("probability", len(rows))
