"""FeatureTable: the features of many leads, by name, as other people's tools post them; turned into the rows that a model scores.

Only columns that the model's definition knows are kept. Columns may come in any order; one that is not there is missing
throughout, and the unknown ones are counted, so that the answer can say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, format_us
from features.exact import number
from features.feature import TRIAL_AGE, Feature
from features.matrix import FeatureMatrix
from features.storing.rows import to_json
from features.workspaces.conditions import text
from models.codes import category_codes, is_missing
from serving.problems import Problem
from serving.view import View

MOST_ROWS = 5_000
MOST_COLUMNS = 5_000
MOST_TEXT = 1_000
"""The longest value of a category, in characters."""

LEAD_ID = "lead_id"
"""A column that is no feature: whose row it is. It comes back, and stands in the ledger."""

AGE = f"{TRIAL_AGE}_d"
LARGEST = float(np.finfo(np.float64).max)

Column = Sequence[object] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """So many rows of known features."""

    rows: int
    columns: Mapping[str, Column]
    unknown: int = 0
    """How many of the columns the model does not know."""
    lead_ids: Sequence[str] | None = None
    started: Sequence[int | None] | None = None
    """When each lead started, where it was told."""

    def named(self) -> Sequence[str]:
        """Return the id of each row's lead; no text where it was not told."""
        return [""] * self.rows if self.lead_ids is None else self.lead_ids


def need_size(rows: int, columns: int = 0) -> None:
    """Refuse more rows or columns than are scored at once."""
    if rows > MOST_ROWS:
        raise Problem("too_large", f"At most {MOST_ROWS} leads in one request.")
    if columns > MOST_COLUMNS:
        raise Problem("too_large", f"At most {MOST_COLUMNS} columns in one request.")


def table_of(columns: Mapping[str, Column], names: Sequence[str], rows: int, view: View) -> FeatureTable:
    """Return a table of what was read; `names` are those of all columns that were sent, the unread ones among them."""
    known = view.features.places
    unknown = sum(name not in known and name != LEAD_ID for name in names)
    ids = _ids(columns[LEAD_ID]) if LEAD_ID in columns else None
    return FeatureTable(rows, {name: column for name, column in columns.items() if name in known}, unknown, ids)


def _ids(column: Column) -> list[str]:
    found = ["" if value is None else value for value in column]
    if not all(isinstance(value, str) and len(value) <= 256 and "\x00" not in value for value in found):
        raise Problem("invalid_request", f"The column {LEAD_ID} holds texts of at most 256 characters.")
    return [str(value) for value in found]


def matrix_of(table: FeatureTable, view: View, as_of: int) -> FeatureMatrix:
    """Return the table as a matrix of all features of a definition."""
    values = np.full((table.rows, len(view.features)), np.nan)
    labels: dict[str, NDArray[np.object_]] = {}
    for place, feature in enumerate(view.features.features):
        column = table.columns.get(feature.name)
        if feature.kind == "category":
            texts = [None] * table.rows if column is None else [_text(value, feature) for value in column]
            labels[feature.name] = np.array(texts, dtype=object)
            if column is not None:
                values[:, place] = category_codes(texts, view.definition.categories.get(feature.name, ()))
        elif column is not None:
            values[:, place] = _numbers(column, feature)
    instants = np.full(table.rows, as_of, dtype=np.int64)
    return FeatureMatrix(view.features, values, labels, np.arange(table.rows), instants, instants)


def ages_of(table: FeatureTable, matrix: FeatureMatrix, first: int = 0) -> NDArray[np.float64]:
    """Return the age of each trial in days: by its start, else as its features tell it; NaN where nobody does.

    The rows of `matrix` are those of the table from `first` on.
    """
    ages = np.full(len(matrix), np.nan)
    if AGE in matrix.features.places:
        told = matrix.column(AGE)
        ages = np.where((told >= 0) & (told <= 36_500), told, np.nan)
    for row, start in enumerate(() if table.started is None else table.started[first : first + len(matrix)]):
        if start is not None:
            ages[row] = (int(matrix.as_of[row]) - start) / DAY_US
    return ages


def part_of(matrix: FeatureMatrix, rows: slice) -> FeatureMatrix:
    """Return some neighbouring rows."""
    return FeatureMatrix(
        features=matrix.features,
        values=matrix.values[rows],
        labels={name: column[rows] for name, column in matrix.labels.items()},
        lead_index=matrix.lead_index[rows],
        as_of=matrix.as_of[rows],
        features_as_of=matrix.features_as_of[rows],
    )


def inputs_of(table: FeatureTable, matrix: FeatureMatrix, first: int = 0) -> list[str]:
    """Return each row as ``POST /v1/score`` takes a lead: JSON from which its score can be computed again.

    The rows of `matrix` are those of the table from `first` on. JSON has no infinity; the largest double is clipped alike.
    """
    places = [(name, matrix.features.places[name], matrix.labels.get(name)) for name in table.columns]
    bounded = np.clip(matrix.values, -LARGEST, LARGEST).tolist()
    ids = table.named()
    lines = []
    for row, values in enumerate(bounded):
        told: dict[str, object] = {}
        for name, place, texts in places:
            value: Any = values[place] if texts is None else texts[row]
            if value is not None and value == value:
                told[name] = value
        start = None if table.started is None else table.started[first + row]
        dated = {} if start is None else {"started_at": format_us(start)}
        lines.append(to_json({"lead_id": ids[first + row], "features": told} | dated))
    return lines


def _text(value: object, feature: Feature) -> str | None:
    if is_missing(value):
        return None
    if isinstance(value, (list, dict)) or (isinstance(value, str) and (len(value) > MOST_TEXT or "\x00" in value)):
        raise Problem(
            "invalid_request", f"The feature {feature.name} is a category: send a text of at most {MOST_TEXT} characters."
        )
    return text(value)


def _numbers(column: Column, feature: Feature) -> NDArray[np.float64]:
    if isinstance(column, np.ndarray):
        return column
    if {type(value) for value in column} <= {float, int, bool, type(None)}:
        return np.array(column, dtype=np.float64)
    return np.array(list(_read(column, feature)), dtype=np.float64)


def _read(column: Iterable[object], feature: Feature) -> Iterable[float]:
    """Read numbers that came as texts or in other guises, as the model does for MLflow's own tools."""
    for value in column:
        read = np.nan if is_missing(value) else number(value)
        if read is None:
            raise Problem("invalid_request", f"The feature {feature.name} is a number.")
        yield read
