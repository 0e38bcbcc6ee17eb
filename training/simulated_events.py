"""What can be seen of the hidden states: visits with their events, calls and letters, some late, some delivered twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, HOUR_US, MINUTE_US
from training.simulated_names import (
    ACTIVATION,
    ANY_DAY,
    EVENT_NAMES,
    IN_A_VISIT,
    LOGIN_SHARE,
    VISIT_OPENS,
    VISITS_A_DAY,
    VISITS_OF_PHASE,
    WEEKEND_KEPT,
    Emission,
)
from training.simulated_product import ACTIVATED_OF, ENGAGEMENT_OF, STATES, Floats, Ints, phase_of
from training.simulated_truth import Lives

_SECOND_US = 1_000_000
_LATE_SHARE, _LATE_HOURS, _LATE_MOST_HOURS = 0.03, 6.0, 48.0
_TWICE_SHARE = 0.01
_MESSAGES = 2**44
_FIRST_VISIT_SHARE = 0.92
_PACE_SHAPE = 12.0
# How busy each local hour is, for most leads and for the one in seven who work at night.
_BY_DAY = np.array([1, 1, 1, 1, 1, 2, 4, 10, 22, 34, 38, 36, 26, 28, 36, 36, 32, 26, 16, 12, 10, 9, 6, 3], dtype=np.float64)
_BY_NIGHT = np.array([26, 20, 12, 6, 3, 2, 2, 3, 5, 7, 8, 9, 9, 9, 10, 10, 11, 12, 15, 22, 30, 36, 38, 34], dtype=np.float64)
_NIGHT_SHARE = 0.14


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Deliveries in the order of their arrival; ``message`` repeats where one was delivered twice, missing values are NaN."""

    lead: NDArray[np.int32]
    name: NDArray[np.int16]  # in `EVENT_NAMES`
    at: Ints
    received_at: Ints
    message: Ints
    duration_s: Floats
    amount: Floats
    score: Floats

    def __len__(self) -> int:
        return len(self.lead)

    def rows(self, chosen: NDArray[np.bool_] | Ints) -> EventColumns:
        """Return some of the deliveries, in the given order."""
        return EventColumns(*(getattr(self, column)[chosen] for column in self.__slots__))


@dataclass(frozen=True, slots=True)
class _Days:
    """Days of trials on which something can happen."""

    lead: Ints
    begin: Ints
    state: Ints


def emit(lives: Lives, started_at: Ints, utc_offset_h: Ints, until: int, rng: np.random.Generator) -> EventColumns:
    """Draw every event that arrives by ``until``, from the states of each day of each lead's life."""
    n, days = lives.states.shape
    begin = started_at[:, None] + np.arange(days, dtype=np.int64) * DAY_US
    stop = np.minimum(lives.ended_at, until)
    lead, step = np.nonzero(begin < stop[:, None])
    cells = _Days(lead, begin[lead, step], lives.states[lead, step].astype(np.int64))
    by_night = np.asarray(rng.random(n) < _NIGHT_SHARE)
    pace = np.asarray(rng.standard_gamma(_PACE_SHAPE, n) / _PACE_SHAPE)
    clock = _Clock(by_night, utc_offset_h, rng)

    lead_v, at_v, length_v, state_v = _visits(cells, step, pace, clock, rng)
    opens = np.where(rng.random(len(lead_v)) < LOGIN_SHARE, _code(VISIT_OPENS[1]), _code(VISIT_OPENS[0]))
    inside, name_i = _named(IN_A_VISIT, state_v, rng)
    at_i = at_v[inside] + (rng.random(len(inside)) * length_v[inside] * _SECOND_US).astype(np.int64) + _SECOND_US
    outside, name_o = _named(ANY_DAY, cells.state, rng)
    at_o = clock.instants(cells.lead[outside], cells.begin[outside])
    clicks = _activations(lives, cells, step)
    at_c = clock.instants(cells.lead[clicks], cells.begin[clicks])

    lead = np.concatenate([lead_v, lead_v[inside], cells.lead[outside], cells.lead[clicks]])
    name = np.concatenate([opens, name_i, name_o, np.full(len(clicks), _code(ACTIVATION))])
    state = np.concatenate([state_v, state_v[inside], cells.state[outside], cells.state[clicks]])
    at = np.concatenate([at_v, at_i, at_o, at_c])
    duration = np.full(len(lead), np.nan)
    duration[: len(lead_v)] = length_v
    # The client sends the opening of a visit when the visit is over: only then is its length known.
    sent = at + np.where(np.isnan(duration), 0, np.nan_to_num(duration).astype(np.int64) * _SECOND_US)
    kept = (at < stop[lead]) & (at > started_at[lead])
    events = _delivered(lead[kept], name[kept], state[kept], at[kept], sent[kept], duration[kept], rng)
    return events.rows(events.received_at <= until)


def _code(name: str) -> int:
    return EVENT_NAMES.index(name)


@dataclass(frozen=True, slots=True)
class _Clock:
    """When in a day a lead is busy, by its own habits and its own local time."""

    by_night: NDArray[np.bool_]
    utc_offset_h: Ints
    rng: np.random.Generator

    def instants(self, lead: Ints, begin: Ints) -> Ints:
        """Draw an instant in each day that begins at ``begin`` (days of a trial begin at the time of day of the sign-up)."""
        night = self.by_night[lead]
        hour = np.empty(len(lead), dtype=np.int64)
        for habit, weights in ((False, _BY_DAY), (True, _BY_NIGHT)):
            here = night == habit
            hour[here] = np.searchsorted(np.cumsum(weights / weights.sum())[:-1], self.rng.random(int(here.sum())), side="right")
        of_day = (hour - self.utc_offset_h[lead]) * HOUR_US + (self.rng.random(len(lead)) * HOUR_US).astype(np.int64)
        return np.asarray(begin + (of_day - begin) % DAY_US, dtype=np.int64)

    def weekend(self, lead: Ints, at: Ints) -> NDArray[np.bool_]:
        """Return which instants are on a local Saturday or Sunday."""
        day = (at + self.utc_offset_h[lead] * HOUR_US) // DAY_US
        return np.asarray((day + 3) % 7 >= 5)


def _visits(cells: _Days, step: Ints, pace: Floats, clock: _Clock, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
    """Draw visits: whose, when, how many seconds, in which state. Most leads look around right after they signed up."""
    expected = VISITS_A_DAY[ENGAGEMENT_OF[cells.state]] * VISITS_OF_PHASE[phase_of(step)] * pace[cells.lead]
    cell = np.repeat(np.arange(len(cells.lead)), rng.poisson(expected))
    at = clock.instants(cells.lead[cell], cells.begin[cell])
    kept = ~clock.weekend(cells.lead[cell], at) | (rng.random(len(cell)) < WEEKEND_KEPT)
    first = np.flatnonzero((step == 0) & (rng.random(len(step)) < _FIRST_VISIT_SHARE))
    at_first = cells.begin[first] + (rng.standard_exponential(len(first)) * 4 * MINUTE_US).astype(np.int64) + _SECOND_US
    cell = np.concatenate([first, cell[kept]])
    state = cells.state[cell]
    minutes = np.array([4.0, 8.0, 14.0, 22.0])[ENGAGEMENT_OF[state]] * rng.standard_gamma(2.0, len(cell)) / 2.0
    length = np.clip(minutes * 60, 20, 4 * 3600).astype(np.int64)
    return cells.lead[cell], np.concatenate([at_first, at[kept]]), length, state


def _named(emissions: tuple[Emission, ...], state: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw how many events each place has, and their names; return the place and the name of each.

    One draw of the total and one of each name give the very same law as one Poisson draw for every name.
    """
    rates = np.array([emission.of_state() for emission in emissions]).T  # [state, name]
    place = np.repeat(np.arange(len(state)), rng.poisson(rates.sum(axis=1)[state]))
    # All states' cumulative shares in one ascending line: the state is the whole part, the share the rest.
    line = (np.cumsum(rates, axis=1) / rates.sum(axis=1, keepdims=True) + np.arange(STATES)[:, None])[:, :-1]
    line = np.concatenate([line, np.arange(1, STATES + 1)[:, None]], axis=1).ravel()
    found = np.searchsorted(line, state[place] + rng.random(len(place)), side="right")
    codes = np.array([_code(emission.name) for emission in emissions])
    return place, codes[np.minimum(found - state[place] * len(emissions), len(emissions) - 1)]


def _activations(lives: Lives, cells: _Days, step: Ints) -> Ints:
    """Return the days on which the product clicked: the first project is created then."""
    before = lives.states[cells.lead, np.maximum(step - 1, 0)]
    return np.flatnonzero((ACTIVATED_OF[cells.state] == 1) & (ACTIVATED_OF[before] == 0))


def _delivered(
    lead: Ints, name: Ints, state: Ints, at: Ints, sent: Ints, duration: Floats, rng: np.random.Generator
) -> EventColumns:
    """Give events their values and their arrival, deliver some of them late and some twice, and order them by arrival."""
    m = len(lead)
    late = rng.random(m) < _LATE_SHARE
    hours = np.minimum(rng.standard_exponential(m) * _LATE_HOURS, _LATE_MOST_HOURS)
    received = sent + np.where(late, (hours * HOUR_US).astype(np.int64), rng.integers(0, 3, m) * _SECOND_US)
    carriers = {kind: [_code(e.name) for e in IN_A_VISIT if e.carries == kind] for kind in ("amount", "score")}
    amount = np.round(np.exp(rng.normal(3.2, 0.6, m)), 2)
    liking = 5.2 + 1.1 * ENGAGEMENT_OF[state] + 0.9 * ACTIVATED_OF[state]
    score = np.clip(np.round(liking + rng.normal(0, 1.8, m)), 0, 10)
    # An odd multiplier permutes the numbers below 2**44, so no two events share one and none tells its place.
    first_number, factor = rng.integers(0, _MESSAGES, dtype=np.int64), rng.integers(0, _MESSAGES // 2, dtype=np.int64) * 2 + 1
    message = (np.arange(m, dtype=np.uint64) * np.uint64(factor) + np.uint64(first_number)) % np.uint64(_MESSAGES)
    events = EventColumns(
        lead=lead.astype(np.int32),
        name=name.astype(np.int16),
        at=_whole_ms(at),
        received_at=_whole_ms(received),
        message=message.astype(np.int64),
        duration_s=duration,
        amount=np.where(np.isin(name, carriers["amount"]), amount, np.nan),
        score=np.where(np.isin(name, carriers["score"]), score, np.nan),
    )
    twice = np.flatnonzero(rng.random(m) < _TWICE_SHARE)
    again = events.rows(np.concatenate([np.arange(m), twice]))
    again.received_at[m:] += rng.integers(1, 600, len(twice)) * _SECOND_US
    return again.rows(np.lexsort((again.message, again.received_at)))


def _whole_ms(instant: Ints) -> Ints:
    """Round an instant up to whole milliseconds: what files carry."""
    return np.asarray(-(-instant // 1000) * 1000, dtype=np.int64)
