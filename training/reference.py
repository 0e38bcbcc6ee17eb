"""What other trials looked like, frozen with the model: out-of-time scores, usual values, volumes, the threshold of a PQL."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.catalog import feature_set
from features.clock import DAY_US, NEVER
from features.feature import FeatureSet
from features.history import build_history
from features.parts import parts
from features.tables import Leads
from features.workspace import Workspace
from models.phrasing import typical_kinds
from models.reference import Reference, score_quantiles, typical_values
from models.thresholds import share_of
from training.dataset import TrainingSet
from training.metrics import Floats
from training.recipe import Fitted
from training.verdict import Verdict

DEFAULT_PQL_SHARE = 0.1

_WEEK_US = 7 * DAY_US


def build_reference(ws: Workspace, data: TrainingSet, fitted: Fitted, verdict: Verdict) -> Reference:
    """Put the reference together from the examined rows, which no learner had seen."""
    features = feature_set(data.definition)
    probability = fitted.calibrator.probability(fitted.out_of_time.raw)
    ages = np.array(data.ages_days)
    kinds = typical_kinds(features.features)
    rows = data.learners.rows
    return Reference(
        ages=data.ages_days,
        quantiles=score_quantiles(probability, ages[fitted.out_of_time.answers.look], data.ages_days),
        oldest_age_days=float((rows.as_of - rows.started_at).max()) / DAY_US,
        pql_threshold=_pql_threshold(ws, data, fitted.out_of_time.answers.lead, probability),
        typical=typical_values(data.exam.x, ages[data.exam.rows.look], data.columns, kinds, data.ages_days),
        volumes=volumes(data, features),
        verdict=verdict.word,
    )


def _pql_threshold(ws: Workspace, data: TrainingSet, lead: NDArray[np.int64], probability: Floats) -> float:
    """Return the probability from which sales can contact everyone, or from which a contact pays."""
    capacity = ws.capacity
    if ws.stages.pql_probability is not None:
        return float(ws.stages.pql_probability)
    if capacity.contact_cost is not None and capacity.conversion_value is not None:
        return capacity.contact_cost / capacity.conversion_value
    share = DEFAULT_PQL_SHARE
    if not ws.data.undated and capacity.contacts_per_week is not None:
        share = share_of(capacity.contacts_per_week, _leads_per_week(data))
    return float(np.quantile(_best(lead, probability), 1.0 - share, method="inverted_cdf"))


def _best(lead: NDArray[np.int64], probability: Floats) -> Floats:
    """Return the highest score of each lead: it is contacted once, at its best look."""
    _, place = np.unique(lead, return_inverse=True)
    best = np.zeros(int(place.max()) + 1)
    np.maximum.at(best, place, probability)
    return best


def capacity_facts(ws: Workspace, data: TrainingSet, fitted: Fitted) -> dict[str, object]:
    """Return what is needed to set the threshold anew when the workspace's capacity changes, and of which capacity it is now."""
    if ws.data.undated:
        return {}
    by_contacts = ws.stages.pql_probability is None
    probability = fitted.calibrator.probability(fitted.out_of_time.raw)
    best = _best(fitted.out_of_time.answers.lead, probability)
    quantiles = score_quantiles(best, np.zeros(len(best)), (0.0,))
    return {
        "contacts_per_week": ws.capacity.contacts_per_week if by_contacts else None,
        "leads_per_week": _leads_per_week(data),
        "best_scores": list(quantiles[0]),
    }


def _leads_per_week(data: TrainingSet) -> float:
    rows = data.learners.rows
    weeks = max((int(rows.started_at.max()) - int(rows.started_at.min())) / _WEEK_US, 1.0)
    return data.leads / weeks


def volumes(data: TrainingSet, features: FeatureSet) -> dict[str, float]:
    """Return how many events of each behaviour an open lead gives a day, over the ages that were learnt."""
    if features.definition.undated:
        return {}
    start, end = _open_spans(data, data.tables.leads)
    counted = np.zeros(len(features.plan.selectors))
    for first, part in parts(data.tables):
        history = build_history(features.plan, part.events, len(part.leads))
        lead = first + part.events.lead
        inside = (history.at > start[lead]) & (history.at <= end[lead]) & (history.known <= data.window.now)
        by_kind = np.bincount(history.kind[inside], weights=history.times[inside], minlength=len(history.kind_at) - 1)
        of_pair = np.repeat(by_kind, np.diff(history.kind_at))
        counted += np.bincount(history.pair_selector, weights=of_pair, minlength=len(counted))
    days = max(float(np.maximum(end - start, 0).sum()) / DAY_US, 1.0)
    behaviours = features.definition.behaviours
    return {
        selector.key: float(count) / days
        for selector, count in zip(features.plan.selectors, counted, strict=True)
        if selector.key in behaviours
    }


def _open_spans(data: TrainingSet, leads: Leads) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return from when to when each lead was open and young enough; nothing for leads that do not count."""
    now = data.window.now
    start = leads.started_at
    counted = (start < min(now, NEVER)) & ~leads.ignored
    oldest = round(max(data.ages_days) * DAY_US)
    end = np.minimum.reduce([np.where(counted, start, 0) + oldest, leads.converted_at, leads.ended_at, np.full(len(start), now)])
    start = np.where(counted, start, 0)
    return start, np.where(counted, np.maximum(end, start), start)
