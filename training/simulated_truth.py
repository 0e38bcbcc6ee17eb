"""Live the simulated chain forward, and say exactly what it will do.

``live`` draws what happens; ``true_probability`` computes its chance from the same matrices. Both take leads that are in the
middle of a trial, so the second can be checked against the first by replaying.

A lead's day ``k`` is the stretch ``(k, k + 1]`` of days since its start, closed on the right as every window of Trialwise is. At
the very end of a day the state is still that of the day: what it becomes is decided after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, NEVER
from training.simulated_product import LIFE_DAYS, STATES, Floats, Ints, Product, phase_of

_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Lives:
    """What happened: hidden states day by day, and the instants of payment and cancellation (NEVER if they did not come)."""

    states: NDArray[np.int8]  # [lead, day lived]
    converted_at: Ints
    ended_at: Ints


def day_of(started_at: Ints, instant: Ints) -> Ints:
    """Return the day of the trial that an instant belongs to: day ``k`` is ``(k, k + 1]`` since the start."""
    return np.asarray(np.maximum(-((started_at - instant) // DAY_US) - 1, 0), dtype=np.int64)


def draw_rows(cumulative: Floats, rng: np.random.Generator) -> Ints:
    """Draw one column for each row of cumulative chances."""
    u = rng.random(len(cumulative))
    return np.asarray(np.minimum((u[:, None] >= cumulative).sum(axis=1), cumulative.shape[1] - 1), dtype=np.int64)


def live(product: Product, fit: Ints, state: Ints, started_at: Ints, since: Ints, days: int, rng: np.random.Generator) -> Lives:
    """Live leads forward from ``since``, each in its given state, through ``days`` days of its trial (the running one first).

    States go on after payment, since customers go on using the product; nothing is decided twice.
    """
    n = len(fit)
    cumulative = np.cumsum(product.moves, axis=3)
    states = np.zeros((n, days), dtype=np.int8)
    converted_at = np.full(n, NEVER, dtype=np.int64)
    ended_at = np.full(n, NEVER, dtype=np.int64)
    step, begin = day_of(started_at, since), since.copy()
    for lived in range(days):
        states[:, lived] = state
        until = started_at + (step + 1) * DAY_US
        payment, cancellation = product.intensities(fit, started_at, step)
        pay, cancel = payment[np.arange(n), state], cancellation[np.arange(n), state]
        with np.errstate(divide="ignore"):
            wait = rng.standard_exponential(n) / (pay + cancel)
        paid = rng.random(n) * (pay + cancel) < pay
        happens = (wait < (until - begin) / DAY_US) & (converted_at == NEVER) & (ended_at == NEVER)
        # Whole milliseconds, as files carry them; rounded up, since `begin` itself belongs to the day before.
        moment = begin + np.maximum((np.where(happens, wait, 0.0) * DAY_US).astype(np.int64), 1)
        moment = -(-moment // 1000) * 1000
        converted_at = np.where(happens & paid, moment, converted_at)
        ended_at = np.where(happens & ~paid, moment, ended_at)
        state = draw_rows(cumulative[fit, phase_of(step), state], rng)
        step, begin = step + 1, until
    return Lives(states, converted_at, ended_at)


def true_probability(
    product: Product, fit: Ints, state: Ints, started_at: Ints, as_of: Ints, horizon_us: int, gap_us: int = 0
) -> Floats:
    """Return the chance that an open lead in this hidden state pays in ``(as_of + gap, as_of + horizon]``.

    The distribution over states is carried through the days with the transition matrices; within a day, intensities are constant
    and the chance of paying between two of its instants is that of competing exponential clocks. No approximation, no drawing.
    """
    probability = np.zeros(len(fit))
    for first in range(0, len(fit), _CHUNK):
        some = slice(first, first + _CHUNK)
        probability[some] = _chunk(product, fit[some], state[some], started_at[some], as_of[some], horizon_us, gap_us)
    return probability


def _chunk(product: Product, fit: Ints, state: Ints, started_at: Ints, as_of: Ints, horizon_us: int, gap_us: int) -> Floats:
    mass = np.eye(STATES)[state]
    probability = np.zeros(len(fit))
    step, begin = day_of(started_at, as_of), as_of
    opens, closes = as_of + gap_us, as_of + horizon_us
    for _ in range(min(horizon_us // DAY_US + 2, LIFE_DAYS)):
        until = started_at + (step + 1) * DAY_US
        pay, cancel = product.intensities(fit, started_at, step)
        both = pay + cancel

        def survives(instant: Ints, both: Floats = both, begin: Ints = begin, until: Ints = until) -> Floats:
            """Return the chance that a lead still open at the beginning of the stretch is open at an instant of it."""
            elapsed = (np.clip(instant, begin, until) - begin) / DAY_US
            return np.asarray(np.exp(-both * elapsed[:, None]), dtype=np.float64)

        share = np.divide(pay, both, out=np.zeros_like(pay), where=both > 0)
        probability += (mass * share * (survives(opens) - survives(np.maximum(opens, closes)))).sum(axis=1)
        mass = _moved(product, fit, phase_of(step), mass * survives(until))
        step, begin = step + 1, until
    return probability


def _moved(product: Product, fit: Ints, phase: Ints, mass: Floats) -> Floats:
    moved = np.empty_like(mass)
    for one_fit in range(product.moves.shape[0]):
        for one_phase in range(product.moves.shape[1]):
            here = (fit == one_fit) & (phase == one_phase)
            if here.any():
                moved[here] = mass[here] @ product.moves[one_fit, one_phase]
    return moved
