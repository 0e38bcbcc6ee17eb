"""From day one: what is looked at, and at which base rate the scorecard stands, before there is anything to learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.feature import FeatureSet
from features.tables import Leads
from features.workspace import Workspace
from models.columns import ColumnSpec
from training.folds import Fold, Folds
from training.points import hand_made_card
from training.rows import LabelRule, Rows, rows_at, undated_rows

USUAL_BASE_RATE = 0.05
"""What share of leads converts where nobody says otherwise: a guess, to be replaced by ``scorecard.base_rate``."""

PRIOR_LEADS = 50.0
"""How many leads with known outcomes weigh as much as the base rate that was stated."""

_NOBODY = np.empty(0, dtype=np.int64)
NO_FOLDS = Folds((), Fold(_NOBODY, _NOBODY, None), time_forward=False)


def stated_base_rate(ws: Workspace, known: Rows) -> float:
    """Return the base rate that the workspace states, moved by the outcomes that are known so far."""
    stated = USUAL_BASE_RATE if ws.scorecard.base_rate is None else ws.scorecard.base_rate
    return float((known.weight @ known.outcome + PRIOR_LEADS * stated) / (known.weight.sum() + PRIOR_LEADS))


def looks_so_far(
    leads: Leads, ages_us: NDArray[np.int64], rule: LabelRule, *, now: int, started_from: int, started_before: int
) -> Rows:
    """Return every look at an open lead up to now, its horizon over or not, with the conversions that are known by now."""
    at_once = replace(rule, horizon_us=0, known_after_us=0)
    rows, _ = rows_at(leads, ages_us, at_once, now=now, started_from=started_from, started_before=started_before)
    paid_at = leads.converted_at[rows.lead]
    outcome = (paid_at > rows.as_of + rule.gap_us) & (paid_at <= np.minimum(rows.as_of + rule.horizon_us, now))
    return replace(rows, outcome=outcome.astype(np.int64), mature_at=rows.as_of + rule.horizon_us + rule.known_after_us)


def undated_so_far(leads: Leads) -> Rows:
    """Return one look a lead of a table without dates; an outcome that is not known counts as none."""
    return undated_rows(replace(leads, converted_flag=np.maximum(leads.converted_flag, 0)))[0]


def columns_by_hand(ws: Workspace, features: FeatureSet) -> tuple[ColumnSpec, ...]:
    """Return the columns that the points read, with all the room that their features have: no range was learnt yet."""
    sizes = {feature.name: len(features.definition.categories.get(feature.name, ())) for feature in features.features}
    every = [
        ColumnSpec(one.name, "category", one.player, 0.0, float(sizes[one.name]), sizes[one.name])
        if one.kind == "category"
        else ColumnSpec(one.name, "number", one.player, one.lower, one.upper)
        for one in features.features
    ]
    return tuple(every[place] for place in hand_made_card(ws, features, every).used.tolist())
