"""The audit of what is computed: a feature that alone tells the outcome too well, at the ages at which leads are looked at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.catalog import feature_set
from features.matrix import compute
from features.reading.table_report import Finding
from features.tables import Tables
from features.vocabulary import learn_vocabulary
from features.workspace import Workspace
from training.ages import fixed_ages
from training.audit_columns import FEWEST_LEADS, LEAK_AUC, counted
from training.column_power import Judged, codes_of, folds_of, power
from training.dataset import label_rule
from training.rows import Rows, rows_at

MOST_AGES = 3
MOST_ROWS = 10_000


def feature_leaks(ws: Workspace, tables: Tables, now: int) -> Iterator[Finding]:
    """Yield the features whose AUC alone, out of fold and averaged over the ages, no honest column reaches.

    The ages are looked at one by one: over all of them together, age itself would tell something.
    """
    ages = ws.snapshots.ages_days
    spread = np.unique(np.linspace(0, len(ages) - 1, min(MOST_AGES, len(ages))).round().astype(int))
    looks = np.broadcast_to(fixed_ages([ages[place] for place in spread]), (len(tables.leads), len(spread)))
    rows, _ = rows_at(tables.leads, looks, label_rule(ws), now=now)
    parts = [part for look in range(len(spread)) if (part := _thin(rows.take(np.flatnonzero(rows.look == look)))) is not None]
    if not parts:
        return
    vocabulary, categories = learn_vocabulary(ws, tables, now)
    features = feature_set(ws.definition(vocabulary=vocabulary, categories=categories))
    lead, as_of = (np.concatenate([getattr(part, column) for part in parts]) for column in ("lead", "as_of"))
    values = compute(features, tables, lead, as_of).values
    ends = np.cumsum([0, *(len(part) for part in parts)])
    judged = [Judged(part.lead, part.outcome, folds_of(part.cluster)) for part in parts]
    for place, feature in enumerate(features.features):
        if feature.name in ws.attributes:
            continue
        found = [power(codes_of(values[ends[n] : ends[n + 1], place]), one) for n, one in enumerate(judged)]
        auc = float(np.mean(found))
        if auc >= LEAK_AUC:
            evidence = f"this feature alone tells who converts with an AUC of {auc:.3f} out of fold ({counted(judged[-1])})"
            yield Finding("leak", feature.name, evidence)


def _thin(rows: Rows) -> Rows | None:
    """Return at most so many looks, or None where too few of them convert."""
    every = max(1, len(rows) // MOST_ROWS)
    some = rows.take(np.arange(0, len(rows), every))
    return some if some.outcome.sum() >= FEWEST_LEADS else None
