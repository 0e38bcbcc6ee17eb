"""The simulated product: a free trial as a finite-state Markov chain, with all of its parameters.

A lead has a fit that never changes and a hidden state that moves once a day of its own trial: how engaged it is, whether the
product has clicked for it (activated, which is never undone), and how far its intent to buy has come. While a state lasts,
payment and cancellation have constant intensities, so the chance of paying in any stretch of time has a closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FITS = ("poor", "fair", "good")
ENGAGEMENT = ("dormant", "light", "steady", "heavy")
INTENT = ("none", "curious", "ready")
STATES = len(ENGAGEMENT) * 2 * len(INTENT)

TRIAL_DAYS = 14
LIFE_DAYS = 60
"""After so many days nothing happens any more: a lead that has not paid by then never will."""

PHASES = ("first days", "rest of the trial", "after the trial")
_REST_FROM, _AFTER_FROM = 4, TRIAL_DAYS - 1

_ENGAGEMENT_MOVES = np.array(
    [
        [0.960, 0.032, 0.006, 0.002],
        [0.090, 0.825, 0.073, 0.012],
        [0.012, 0.063, 0.862, 0.063],
        [0.005, 0.012, 0.078, 0.905],
    ]
)
_INTENT_MOVES = np.array(
    [
        [0.960, 0.037, 0.003],
        [0.060, 0.885, 0.055],
        [0.005, 0.030, 0.965],
    ]
)
# A tilt multiplies the chance of reaching level j by exp(tilt * j): one number moves a whole row up or down.
_ENGAGEMENT_TILT_FIT = (-0.12, 0.0, 0.12)
_ENGAGEMENT_TILT_ACTIVATED = (-0.10, 0.35)
_ENGAGEMENT_TILT_PHASE = (0.0, 0.0, -0.55)
_INTENT_TILT_FIT = (-0.22, 0.0, 0.20)
_INTENT_TILT_ENGAGEMENT = (-0.7, -0.15, 0.2, 0.4)
_INTENT_TILT_ACTIVATED = (-0.25, 0.35)
_INTENT_TILT_PHASE = (0.0, 0.30, -0.30)

_ACTIVATION_A_DAY = np.array([0.005, 0.050, 0.150, 0.280])
_ACTIVATION_FIT = (0.75, 1.0, 1.25)

_PAYMENT_INTENT = np.array([0.0007, 0.0043, 0.0155])
_PAYMENT_ENGAGEMENT = np.array([0.30, 0.75, 1.20, 1.50])
_PAYMENT_ACTIVATED = np.array([0.60, 1.60])
_PAYMENT_FIT = np.array([0.70, 1.00, 1.35])
_CANCELLATION_ENGAGEMENT = np.array([0.0060, 0.0030, 0.0012, 0.0006])
_CANCELLATION_PHASE = (0.7, 1.0, 2.0)

_FIRST_ENGAGEMENT = np.array([[0.45, 0.38, 0.14, 0.03], [0.33, 0.38, 0.22, 0.07], [0.22, 0.36, 0.29, 0.13]])
_FIRST_INTENT = np.array([[0.960, 0.037, 0.003], [0.930, 0.062, 0.008], [0.880, 0.105, 0.015]])

_MONTHS = np.array([1.02, 1.01, 1.02, 1.01, 1.00, 0.99, 0.97, 0.97, 1.01, 1.02, 1.02, 0.96])  # from January
_WEEKDAYS = np.array([1.08, 1.10, 1.08, 1.06, 1.02, 0.82, 0.84])  # from Monday
_DRIFT, _DRIFT_DAYS = 0.12, 730.0


def state_number(engagement: Ints, activated: Ints, intent: Ints) -> Ints:
    """Return the number of a hidden state from its three parts."""
    return (engagement * 2 + activated) * len(INTENT) + intent


ENGAGEMENT_OF = np.arange(STATES) // (2 * len(INTENT))
ACTIVATED_OF = np.arange(STATES) // len(INTENT) % 2
INTENT_OF = np.arange(STATES) % len(INTENT)


def phase_of(step: Ints) -> Ints:
    """Return the trial phase of each day of a trial (day 0 is the first)."""
    return (step >= _REST_FROM).astype(np.int64) + (step >= _AFTER_FROM)


@dataclass(frozen=True, slots=True)
class Product:
    """The chain in numbers; ``moves[fit, phase]`` is the transition matrix at the end of a day in that phase."""

    epoch_us: int
    drift_phase: float
    first: Floats  # [fit, state]
    moves: Floats  # [fit, phase, from, to]
    payment: Floats  # [fit, state], a day, before the day of the trial and the calendar
    cancellation: Floats  # [phase, state], a day

    def calendar(self, instant: Ints) -> Floats:
        """Return what the calendar makes of the payment intensity: month, weekday and a base rate that moves slowly."""
        day = instant // DAY_US
        month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
        weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
        turn = 2 * np.pi * ((instant - self.epoch_us) / DAY_US / _DRIFT_DAYS + self.drift_phase)
        return np.asarray(_MONTHS[month] * _WEEKDAYS[weekday] * (1 + _DRIFT * np.sin(turn)), dtype=np.float64)

    def intensities(self, fit: Ints, started_at: Ints, step: Ints) -> tuple[Floats, Floats]:
        """Return payment and cancellation a day, ``[lead, state]``, on the given day of each lead's trial."""
        pressure = _TRIAL_PRESSURE[np.minimum(step, LIFE_DAYS)] * self.calendar(started_at + step * DAY_US)
        alive = step < LIFE_DAYS
        payment = self.payment[fit] * pressure[:, None]
        return payment, self.cancellation[phase_of(step)] * alive[:, None]


def _trial_pressure() -> Floats:
    """Return how the day of the trial moves the payment intensity: little at first, a peak as the trial ends, a tail."""
    steps = [(3, 0.30), (7, 0.55), (10, 0.90), (12, 1.60), (14, 3.00), (16, 2.20), (21, 1.00), (30, 0.50), (LIFE_DAYS, 0.25)]
    pressure = np.zeros(LIFE_DAYS + 1)
    since = 0
    for until, value in steps:
        pressure[since:until] = value
        since = until
    return pressure


_TRIAL_PRESSURE = _trial_pressure()


def _tilted(rows: Floats, tilt: float) -> Floats:
    weighted = rows * np.exp(tilt * np.arange(rows.shape[1]))
    return np.asarray(weighted / weighted.sum(axis=1, keepdims=True), dtype=np.float64)


def _moves(fit: int, phase: int) -> Floats:
    matrix = np.zeros((STATES, STATES))
    for state in range(STATES):
        engagement, activated, intent = int(ENGAGEMENT_OF[state]), int(ACTIVATED_OF[state]), int(INTENT_OF[state])
        engage_tilt = _ENGAGEMENT_TILT_FIT[fit] + _ENGAGEMENT_TILT_ACTIVATED[activated] + _ENGAGEMENT_TILT_PHASE[phase]
        engage = _tilted(_ENGAGEMENT_MOVES[engagement : engagement + 1], engage_tilt)[0]
        tilt = _INTENT_TILT_FIT[fit] + _INTENT_TILT_ENGAGEMENT[engagement] + _INTENT_TILT_ACTIVATED[activated]
        intend = _tilted(_INTENT_MOVES[intent : intent + 1], tilt + _INTENT_TILT_PHASE[phase])[0]
        click = 1.0 if activated else float(_ACTIVATION_A_DAY[engagement] * _ACTIVATION_FIT[fit])
        matrix[state] = (engage[:, None, None] * np.array([1 - click, click])[None, :, None] * intend[None, None, :]).ravel()
    return matrix


def simulated_product(epoch_us: int, drift_phase: float) -> Product:
    """Build the product; only the beginning of its calendar and where its base rate stands then are free."""
    first = np.zeros((len(FITS), STATES))
    for fit in range(len(FITS)):
        first[fit] = np.where(ACTIVATED_OF == 0, _FIRST_ENGAGEMENT[fit][ENGAGEMENT_OF] * _FIRST_INTENT[fit][INTENT_OF], 0.0)
    of_state = _PAYMENT_INTENT[INTENT_OF] * _PAYMENT_ENGAGEMENT[ENGAGEMENT_OF] * _PAYMENT_ACTIVATED[ACTIVATED_OF]
    return Product(
        epoch_us=epoch_us,
        drift_phase=drift_phase,
        first=first,
        moves=np.array([[_moves(fit, phase) for phase in range(len(PHASES))] for fit in range(len(FITS))]),
        payment=_PAYMENT_FIT[:, None] * of_state[None, :],
        cancellation=np.array(_CANCELLATION_PHASE)[:, None] * _CANCELLATION_ENGAGEMENT[ENGAGEMENT_OF][None, :],
    )
