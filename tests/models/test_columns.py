from __future__ import annotations

import numpy as np
import pytest

from features.feature import FeatureSet
from models.columns import ColumnSpec, by_column, by_player, columns_of
from models.errors import ModelError
from tests.models.conftest import invent

COUNT = ColumnSpec("session_count_7d", "number", "session", 0.0, 9.0)
COUNTRY = ColumnSpec("country", "category", "country", 0.0, 3.0, 3)


@pytest.mark.parametrize("column", [COUNT, COUNTRY])
def test_a_column_survives_writing_and_reading(column: ColumnSpec) -> None:
    assert ColumnSpec.read(column.as_dict(), "x") == column


@pytest.mark.parametrize(
    "change", [{"lower": 10.0}, {"upper": 1e19}, {"kind": "text"}, {"size": 3}, {"size": -1}, {"name": 7}, {"extra": 1}]
)
def test_a_wrong_column_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        ColumnSpec.read({**COUNT.as_dict(), **change}, "x")


def test_columns_are_grouped_by_player_and_one_by_one() -> None:
    grouping = by_player([COUNT, COUNTRY, COUNT], ("any", "country", "session"))
    assert grouping.of.tolist() == [2, 1, 2]
    assert by_column([COUNT, COUNTRY]).names == ("session_count_7d", "country")


def test_columns_that_say_nothing_are_left_out(features: FeatureSet) -> None:
    values = invent(features, 50, 0)
    silent, empty, flag = (features.index(name) for name in ("session_count_7d", "session_recency_h", "sales_recency_h"))
    values[:, silent], values[:, empty], values[:, flag] = 2.0, np.nan, 5.0
    values[0, flag] = np.nan
    columns = {column.name: column for column in columns_of(features, values)}
    assert "session_count_7d" not in columns
    assert "session_recency_h" not in columns
    assert (columns["sales_recency_h"].lower, columns["sales_recency_h"].upper) == (5.0, 5.0)
    assert columns["country"].size == 3
    assert list(columns) == [name for name in features.names if name in columns]


def test_absurd_numbers_are_kept_within_what_can_be_read_back(features: FeatureSet) -> None:
    values = invent(features, 50, 0)
    values[:2, features.index("sales_recency_h")] = -1e300, 1e300
    column = next(one for one in columns_of(features, values) if one.name == "sales_recency_h")
    assert (column.lower, column.upper) == (-1e18, 1e18)
    assert ColumnSpec.read(column.as_dict(), "x") == column
