"""Features by name, as other tools hand them over, turned into the numbers that a Scorer reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.exact import number
from features.workspaces.conditions import text
from models.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd


def values_of_frame(scorer: Scorer, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the scorer's columns from a table of features: any order, absent columns and empty cells missing."""
    x = np.full((len(frame), len(scorer.columns)), np.nan)
    for place, column in enumerate(scorer.columns):
        if column.name not in frame.columns:
            continue
        values = frame[column.name]
        if column.kind == "category":
            x[:, place] = category_codes(values.tolist(), scorer.definition.categories.get(column.name, ()))
        elif values.dtype.kind in "fiub":
            x[:, place] = values.to_numpy(dtype=np.float64)
        else:
            x[:, place] = [_number(value) for value in values.tolist()]
    return x


def category_codes(values: Iterable[object], known: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the code of each category: NaN for none, 0 for an unknown one, else its place from 1.

    >>> category_codes(["de", None, "fr"], ("at", "de")).tolist()
    [2.0, nan, 0.0]
    """
    code = {value: place + 1.0 for place, value in enumerate(known)}
    return np.array([np.nan if is_missing(value) else code.get(text(value), 0.0) for value in values], dtype=np.float64)


def _number(value: object) -> float:
    read = None if is_missing(value) else number(value)
    return np.nan if read is None else float(read)


def is_missing(value: object) -> bool:
    """Tell whether a cell is empty: none, no text, not a number, or pandas' own mark, which may not be compared with anything."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return value == "" if isinstance(value, str) else isinstance(value, float) and value != value
