"""Which way a column may move the log-odds of trees, where the business is sure: more of what buyers do never lowers a score."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.columns import ColumnSpec

SURE = ("any", "session", "core_use", "milestone", "purchase_intent", "add_on", "collaboration", "sales")
"""Behaviours of which more, and more recently, is never a worse sign."""

_MORE = re.compile(rf"(account_)?({'|'.join(SURE)})_(count|active_days|distinct_names|people)_(all|[0-9]+[dh])")
_LONGER_AGO = re.compile(rf"(account_)?({'|'.join(SURE)})_recency_h")
_WORSE = re.compile(r"negative_feedback_count_(all|[0-9]+[dh])")


def direction(column: ColumnSpec) -> int:
    """Return 1 where more may only raise the log-odds, -1 where it may only lower them, 0 where nobody can be sure.

    Only the columns of the catalogue are known by name; what is missing may stand on either side.

    >>> [direction(ColumnSpec(name, "number", "any", 0, 9)) for name in ("any_count_7d", "any_recency_h", "any_trend_7d")]
    [1, -1, 0]
    """
    if column.kind != "number":
        return 0
    if _MORE.fullmatch(column.name):
        return 1
    return -1 if _LONGER_AGO.fullmatch(column.name) or _WORSE.fullmatch(column.name) else 0


def directions(columns: Sequence[ColumnSpec]) -> list[int]:
    """Return the direction of each column."""
    return [direction(column) for column in columns]
