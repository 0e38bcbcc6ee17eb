"""Times, looks and capacity."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.workspaces.settings import FREEMIUM_AGES, CapacitySpec, LabelSpec, SnapshotsSpec, TrialSpec, default_ages


@settings(deadline=None)
@given(st.floats(1 / 24, 3650) | st.integers(1, 400).map(float), st.booleans())
def test_default_ages_are_ascending_and_end_with_the_trial(days: float, by_day: bool) -> None:
    ages = default_ages(days, by_day=by_day)
    assert list(ages) == sorted(set(ages))
    assert ages[0] > 0
    assert ages[-1] <= days
    assert days - ages[-1] < 1
    if days >= 8:
        assert len(ages) == 8
    if days >= 8 or (by_day and days >= 1):
        assert all(age.is_integer() for age in ages)


@pytest.mark.parametrize(
    ("days", "by_day", "ages"),
    [
        (14.0, False, (1, 2, 3, 4, 6, 8, 11, 14)),
        (8.0, False, (1, 2, 3, 4, 5, 6, 7, 8)),
        (7.0, True, (1, 2, 3, 4, 5, 6, 7)),
        (1.0, True, (1,)),
        (None, False, FREEMIUM_AGES),
    ],
)
def test_default_ages(days: float | None, by_day: bool, ages: tuple[float, ...]) -> None:
    assert default_ages(days, by_day=by_day) == ages


@pytest.mark.parametrize(
    ("value", "days", "inactive"),
    [
        ({}, 14, None),
        ({"days": 30}, 30, None),
        ({"days": "none"}, None, 60),
        ({"days": None}, None, 60),
        ({"days": "none", "inactive_days": 30}, None, 30),
    ],
)
def test_trial(value: dict[str, Any], days: float | None, inactive: float | None) -> None:
    trial = TrialSpec.model_validate(value)
    assert (trial.days, trial.inactive_days) == (days, inactive)


@pytest.mark.parametrize(
    "value",
    [{"days": 0}, {"days": 0.01}, {"days": "never"}, {"days": True}, {"days": 14, "inactive_days": 3}, {"inactive_days": 3}],
)
def test_trial_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrialSpec.model_validate(value)


@pytest.mark.parametrize("value", [{"horizon_days": 0}, {"gap_hours": -1}, {"horizon_days": 1, "gap_hours": 24}])
def test_label_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LabelSpec.model_validate(value)


def test_label() -> None:
    assert LabelSpec.model_validate({"horizon_days": 0.5, "gap_hours": 11}).horizon_days == 0.5


def test_ages_are_sorted_without_repeats() -> None:
    assert SnapshotsSpec.model_validate({"ages_days": (7, 1, 7.0, 0)}).ages_days == (0, 1, 7)
    for wrong in ((), (-1,), ("7",), 7):
        with pytest.raises(ValidationError):
            SnapshotsSpec.model_validate({"ages_days": wrong})


@pytest.mark.parametrize("value", [{"contacts_per_week": 0.5}, {"contact_cost": 20, "conversion_value": 600}])
def test_capacity(value: dict[str, Any]) -> None:
    assert CapacitySpec.model_validate(value).model_dump(exclude_none=True) == value


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"contacts_per_week": 0},
        {"contact_cost": 20},
        {"conversion_value": 20},
        {"contact_cost": 20, "conversion_value": 20},
        {"contacts_per_week": 50, "contact_cost": 20},
        {"contacts_per_week": 50, "contact_cost": 20, "conversion_value": 600},
    ],
)
def test_capacity_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CapacitySpec.model_validate(value)
