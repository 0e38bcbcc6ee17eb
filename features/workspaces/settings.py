"""The short sections of the workspace file: times, looks, capacity."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from features.workspaces.section import Section, refused

_YEARS = 3650.0
_SHORTEST = 1 / 24
Days = Annotated[float, Field(gt=0, le=_YEARS)]
Resolution = Literal["second", "day"]

_EARLY = (1, 2, 3, 4, 6, 8, 11, 14)
INACTIVE_DAYS = 60.0
"""When a lead without a trial is closed for silence, unless the file says otherwise."""

FREEMIUM_AGES = (1.0, 3.0, 7.0, 14.0, 21.0, 30.0, 45.0, 60.0)


def default_ages(trial_days: float | None, *, by_day: bool) -> tuple[float, ...]:
    """Return the ages at which a lead is looked at when the file names none: up to eight, denser early, the last the trial's end.

    From 8 days up they are whole days: the i-th of 0..7 is ``1 + (days - 1) * (i / 7) ** 1.7``, rounded, and at least a day after
    the one before. Shorter trials have the same looks as 14 days, scaled and rounded to hours (below a day to minutes), or every
    whole day where events are known only by their day. Without a trial they are 1, 3, 7, 14, 21, 30, 45 and 60 days.

    >>> default_ages(14.0, by_day=False)
    (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 14.0)
    >>> default_ages(7.0, by_day=False)
    (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.5, 7.0)
    >>> default_ages(30.0, by_day=True)
    (1.0, 2.0, 4.0, 8.0, 12.0, 17.0, 23.0, 30.0)
    """
    if trial_days is None:
        return FREEMIUM_AGES
    if trial_days < 8:
        if by_day and trial_days >= 1:
            return tuple(float(day) for day in range(1, int(trial_days) + 1))
        steps = 24 if trial_days >= 1 else 1440
        return (*(round(trial_days * steps * day / 14) / steps for day in _EARLY[:-1]), float(trial_days))
    ages: list[int] = []
    for i in range(8):
        age = round(1 + (int(trial_days) - 1) * (i / 7) ** 1.7)
        ages.append(max(age, ages[-1] + 1) if ages else age)
    return tuple(float(age) for age in ages)


class ResolutionSpec(Section):
    """How exactly times are known."""

    events: Resolution = "second"
    conversions: Resolution = "second"


def _days(value: Any) -> Any:
    """Read the length of a trial: ``none`` for one without an end; what is too short or no number is told in words."""
    if value is None or value == "none":
        return None
    if isinstance(value, str):
        unending = value.lower() in ("none", "never", "no", "inf", ".inf")
        raise refused("a number of days, or none", "write days: none" if unending else "correct the value")
    if isinstance(value, int | float) and value < _SHORTEST:
        raise refused("at least one hour (0.0417 days), or none for a trial without an end", "correct the number")
    return value


class TrialSpec(Section):
    """How long a trial is; without one, how long a silent lead stays open."""

    days: Annotated[Annotated[float, Field(ge=_SHORTEST, le=_YEARS)] | None, BeforeValidator(_days)] = 14.0
    inactive_days: Days | None = Field(default=None, validate_default=True)

    @field_validator("inactive_days")
    @classmethod
    def _one_clock(cls, inactive_days: float | None, info: ValidationInfo) -> float | None:
        if info.data.get("days", 0) is None:
            return INACTIVE_DAYS if inactive_days is None else inactive_days
        if inactive_days is not None:
            raise refused("inactive_days only with days: none", "delete it or write days: none")
        return None


class LabelSpec(Section):
    """What counts as a conversion of a row: after the gap, within the horizon."""

    horizon_days: Days = 30.0
    gap_hours: Annotated[float, Field(ge=0, le=24 * _YEARS)] = 0.0

    @model_validator(mode="after")
    def _room(self) -> LabelSpec:
        if self.gap_hours >= self.horizon_days * 24:
            raise refused("a gap shorter than the horizon", "shorten gap_hours", at=("gap_hours",))
        return self


def _ascending(ages: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted(set(ages)))


class SnapshotsSpec(Section):
    """The ages, in days, at which training looks at a lead."""

    ages_days: Annotated[
        tuple[Annotated[float, Field(ge=0, le=_YEARS)], ...], Field(min_length=1, max_length=100), AfterValidator(_ascending)
    ] = Field(default=(), validate_default=False)


class SessionsSpec(Section):
    """How long a gap ends a session."""

    gap_minutes: Annotated[float, Field(ge=1, le=1440)] = 30.0


class CapacitySpec(Section):
    """What sales can do: so many contacts a week, or a contact's cost against a conversion's value."""

    contacts_per_week: Annotated[float, Field(gt=0)] | None = None
    contact_cost: Annotated[float, Field(gt=0)] | None = None
    conversion_value: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> CapacitySpec:
        by_money = (self.contact_cost is not None) + (self.conversion_value is not None)
        if (self.contacts_per_week is None) != (by_money == 2) or by_money == 1:
            raise refused("contacts_per_week alone, or contact_cost with conversion_value", "keep one of the two ways")
        if self.contact_cost is not None and self.conversion_value is not None and self.contact_cost >= self.conversion_value:
            raise refused("a contact that costs less than a conversion brings", "correct the two figures", at=("contact_cost",))
        return self
