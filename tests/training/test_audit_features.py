"""Features that alone tell too well, at the ages at which leads are looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.clock import DAY_US
from training.audit_features import feature_leaks
from training.leaks import Garden, clean_world


def garden(seed: int = 2) -> Garden:
    return Garden(*clean_world(seed), np.random.default_rng(0))


def test_a_clean_world_has_none() -> None:
    ws, tables = clean_world(2)
    assert list(feature_leaks(ws, tables, tables.newest)) == []


def test_an_event_on_the_first_day_of_those_who_will_pay() -> None:
    planted = garden()
    lead = np.flatnonzero(planted.chance(0.97, 0.03))
    planted.events("chosen", lead, planted.tables.leads.started_at[lead] + DAY_US // 2)
    own = next(iter(planted.ws.features.values()))
    pattern = planted.ws.behaviours["of_chosen"].events
    feature = own.model_copy(update={"patterns": pattern, "behaviour": "of_chosen", "window": "14d"})
    ws = planted.ws.model_copy(update={"features": {"chosen_14d": feature}})
    found = {one.column: one for one in feature_leaks(ws, planted.tables, planted.tables.newest)}
    assert found["chosen_14d"].level == "leak"
    assert "of_chosen_count_all" in found
    assert "alone tells who converts with an AUC of 0.9" in found["chosen_14d"].evidence
    assert not any(name.startswith(("session", "any")) for name in found)


def test_too_few_conversions_at_any_age() -> None:
    ws, tables = clean_world(2)
    ignored = np.cumsum(tables.leads.converted_at < tables.newest) > 15
    assert list(feature_leaks(ws, replace(tables, leads=replace(tables.leads, ignored=ignored)), tables.newest)) == []
