"""The audit of columns that a lead brings with it: attributes and the traits of its profile.

Such a column is taken for known at sign-up. Here its values are asked whether they can be: a column that nearly copies the
outcome, or tells it better than anything known at sign-up does, was written when the outcome was known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.reading.table_report import Finding
from training.audit_words import telling_word
from training.column_power import Judged, codes_of, power, wilson
from training.metrics import Ints

LEAK_AUC = 0.90
FEWEST_LEADS = 20
"""Fewer leads of a value, or fewer conversions, prove nothing."""
COPY_SHARE, COPY_LOW, COPY_OF_CONVERSIONS, COPY_ODDS, COPY_VALUES = 0.95, 0.85, 0.25, 0.1, 5
"""A few values that nearly always convert, that hold so many of the conversions, and that fail far less than all do."""
FAR_MORE, FAR_MORE_SHARE, FAR_MORE_Z = 3.0, 0.2, 6.0
TOGETHER, TOGETHER_COLUMNS, TOGETHER_MISSING = 0.98, 3, 0.05

Columns = Mapping[str, NDArray[Any]]


def column_leaks(columns: Columns, judged: Judged) -> Iterator[Finding]:
    """Yield the columns that the outcomes prove to have been written with the outcome."""
    for name, values in columns.items():
        auc = power(codes_of(values[judged.lead]), judged)
        copied = _copies(values[judged.lead], judged)
        if auc >= LEAK_AUC:
            evidence = f"this column alone tells who converts with an AUC of {auc:.3f} out of fold"
            yield Finding("leak", name, f"{evidence} ({counted(judged)}){'; ' + copied if copied else ''}")
        elif copied:
            yield Finding("leak", name, f"its values nearly copy the outcome: {copied} ({counted(judged)}; AUC {auc:.3f})")


def column_questions(columns: Columns, judged: Judged, *, together: bool = True) -> Iterator[Finding]:
    """Yield the columns whose name or shape says that they are written later; only a person can know.

    Where whole forms are left out by nature, as in a profile, being missing ``together`` says nothing.
    """
    alike = _missing_together(columns) if together else {}
    for name, values in columns.items():
        reasons = []
        if word := telling_word(name):
            reasons.append(f"the word '{word}' in its name says that it may be written or updated after sign-up")
        if group := alike.get(name):
            missing = int((~_known(values)).sum())
            others = ", ".join(other for other in group if other != name)
            reasons.append(
                f"it is missing together with {others} ({missing:,} of {len(values):,} leads): one later step fills them"
            )
        if far := _filled_far_more(_known(values[judged.lead]), judged.outcome):
            reasons.append(far)
        if reasons:
            yield Finding("ask", name, "; ".join(reasons) + _alone(values, judged))


def counted(judged: Judged) -> str:
    """Say how many leads the evidence rests on.

    >>> counted(Judged(np.arange(3), np.array([0, 1, 0]), np.zeros(3, np.int64)))
    '3 leads, 1 conversion'
    """
    bought = judged.conversions
    return f"{len(judged):,} leads, {bought:,} conversion{'' if bought == 1 else 's'}"


def _alone(values: NDArray[Any], judged: Judged) -> str:
    if judged.conversions < FEWEST_LEADS:
        return ""
    known = _known(values[judged.lead])
    filled = [100 * float(known[judged.outcome == one].mean()) for one in (1, 0) if (judged.outcome == one).any()]
    told = f"; filled for {filled[0]:.1f} % of those who convert and {filled[1]:.1f} % of the others" if len(filled) == 2 else ""
    auc = power(codes_of(values[judged.lead]), judged)
    return f" (alone AUC {auc:.3f} out of fold{told})"


def _copies(values: NDArray[Any], judged: Judged) -> str:
    """Say which values nearly always convert, if a few of them together hold a good part of all conversions.

    A number that rises smoothly with the chance to convert has many such values at its end, and copies nothing.
    """
    known = np.flatnonzero(_known(values))
    distinct, codes = np.unique(values[known].astype(str) if values.dtype == object else values[known], return_inverse=True)
    n = np.bincount(codes, minlength=len(distinct))
    bought = np.bincount(codes, judged.outcome[known], minlength=len(distinct))
    base = judged.conversions / max(len(judged), 1)
    pure = []
    for code in np.flatnonzero(n >= FEWEST_LEADS).tolist():
        share = bought[code] / n[code]
        if share >= COPY_SHARE and wilson(bought[code], n[code])[0] >= COPY_LOW and 1 - share <= COPY_ODDS * (1 - base):
            pure.append(code)
    if not 0 < len(pure) <= COPY_VALUES or bought[pure].sum() < COPY_OF_CONVERSIONS * judged.conversions:
        return ""
    most = max(pure, key=lambda code: float(bought[code]))
    value = f"'{distinct[most][:40]}'" if values.dtype == object else f"{distinct[most]:g}"
    return f"{value} converts in {bought[most]:,.0f} of {n[most]:,} cases, at large {100 * base:.1f} % do"


def _known(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.array([value is not None for value in values], dtype=bool) if values.dtype == object else ~np.isnan(values)


def _filled_far_more(known: NDArray[np.bool_], outcome: Ints) -> str:
    """Say that a value exists far more often for one outcome than for the other, if it does beyond chance."""
    n = np.array([(outcome == 0).sum(), (outcome == 1).sum()], dtype=np.float64)
    filled = np.array([known[outcome == 0].sum(), known[outcome == 1].sum()], dtype=np.float64)
    if n.min() < FEWEST_LEADS:
        return ""
    share, pooled = filled / n, filled.sum() / n.sum()
    noise = np.sqrt(pooled * (1 - pooled) * (1 / n).sum())
    low, high = share.min(), share.max()
    if noise == 0 or high < FAR_MORE_SHARE or high < FAR_MORE * low or (high - low) / noise < FAR_MORE_Z:
        return ""
    who = "those who convert" if share[1] > share[0] else "those who do not convert"
    return f"it has a value far more often for {who} ({100 * high:.1f} % against {100 * low:.1f} %)"


def _missing_together(columns: Columns) -> dict[str, tuple[str, ...]]:
    """Return, for each column of a group that is missing in the same leads, the group."""
    gaps = {name: ~_known(values) for name, values in columns.items()}
    gaps = {name: gap for name, gap in gaps.items() if TOGETHER_MISSING <= gap.mean() <= 1 - TOGETHER_MISSING}
    found: dict[str, tuple[str, ...]] = {}
    for name, gap in gaps.items():
        alike = tuple(other for other, its in gaps.items() if (gap & its).sum() >= TOGETHER * (gap | its).sum())
        if len(alike) >= TOGETHER_COLUMNS:
            found[name] = alike
    return found
