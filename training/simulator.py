"""A simulated product with known truth, for the demo, the notebooks and the tests. Nothing in it was ever measured anywhere.

Leads sign up for a free trial of 14 days and live through a Markov chain that nobody sees (simulated_product.py); what can be
seen are its events (simulated_names.py, simulated_events.py). Because the chain is finite, the probability that a lead pays
within a horizon, given the state it is really in, comes exactly from the transition matrices: ``World.truth``. No model can know
that state, so no model can reach the truth; how near one comes is what the tests measure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from features.clock import DAY_US, HOUR_US
from training.simulated_events import EventColumns, emit
from training.simulated_files import write_world
from training.simulated_leads import LeadColumns, sign_up
from training.simulated_names import EVENT_NAMES
from training.simulated_product import LIFE_DAYS, TRIAL_DAYS, Floats, Ints, Product, simulated_product
from training.simulated_truth import Lives, day_of, draw_rows, live, true_probability

SIMULATED_FROM_US = 1_748_736_000_000_000
"""2025-06-01T00:00:00Z, where a simulated period begins unless ``until`` is given."""


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """One event of one lead, as its client would send it."""

    event: str
    at: int
    received_at: int
    message_id: str
    properties: dict[str, int | float]


@dataclass(frozen=True)
class World:
    """A simulated period: its leads, what they did, and what is hidden."""

    seed: int
    since: int
    until: int
    product: Product
    leads: LeadColumns
    lives: Lives
    events: EventColumns

    def write(self, folder: Path, *, hold_back: Collection[str] = ()) -> Path:
        """Write leads, events, conversions and the workspace file; return the workspace file.

        Only what is known at ``until`` is written, and nothing that is hidden. Leads in ``hold_back`` are left out altogether:
        the demo sends theirs over HTTP.
        """
        return write_world(folder, self.seed, self.until, self.leads, self.lives, self.events, self._index(hold_back))

    def truth(self, lead_ids: Sequence[str], as_of_us: Ints | int, horizon_days: float = 30, gap_hours: float = 0) -> Floats:
        """Return the true probability that each lead pays in ``(as_of + gap, as_of + horizon]``, given its hidden state then.

        ``as_of_us`` may be any instant, one for all leads or one for each. On the edge between two days of a trial the state is
        that of the day that ends. Cancelling counts as not paying; after 60 days the probability is 0. NaN where there is nothing
        to predict: the lead has not started, has paid or has ended by then.
        """
        index = self._index(lead_ids)
        as_of = np.broadcast_to(np.asarray(as_of_us, dtype=np.int64), index.shape)
        started = self.leads.started_at[index]
        open_then = (started <= as_of) & (self.lives.converted_at[index] > as_of) & (self.lives.ended_at[index] > as_of)
        day = day_of(started, as_of)
        moving = open_then & (day < LIFE_DAYS)
        chosen = index[moving]
        probability = np.where(open_then, 0.0, np.nan)
        probability[moving] = true_probability(
            self.product,
            self.leads.fit[chosen],
            self.lives.states[chosen, day[moving]].astype(np.int64),
            started[moving],
            as_of[moving],
            round(horizon_days * DAY_US),
            round(gap_hours * HOUR_US),
        )
        return probability

    def live_leads(self, youngest_days: float = 0, oldest_days: float = TRIAL_DAYS) -> list[str]:
        """Return the leads that are open at ``until`` and whose age then lies in the given range."""
        age = self.until - self.leads.started_at
        is_open = (self.lives.converted_at > self.until) & (self.lives.ended_at > self.until)
        right_age = (age >= youngest_days * DAY_US) & (age <= oldest_days * DAY_US)
        return [self.leads.ids[index] for index in np.flatnonzero(is_open & right_age)]

    def story(self, lead_id: str) -> list[StoryEvent]:
        """Return what a lead did up to ``until``, in order of time, each event once."""
        mine = self.events.rows(self.events.lead == self._index([lead_id])[0])
        _, once = np.unique(mine.message, return_index=True)
        mine = mine.rows(once[np.lexsort((mine.message[once], mine.at[once]))])
        return [
            StoryEvent(
                event=EVENT_NAMES[mine.name[row]],
                at=int(mine.at[row]),
                received_at=int(mine.received_at[row]),
                message_id=f"m{mine.message[row]}",
                properties=_properties(mine, row),
            )
            for row in range(len(mine))
        ]

    def traits(self, lead_id: str) -> dict[str, str | int]:
        """Return what a lead said of itself at sign-up, by column of the leads file; what it left empty is absent."""
        row = self._index([lead_id])[0]
        columns = ("org_id", "country", "company_size", "channel", "full_name", "email", "company", "job_title", "photo")
        leads = self.leads
        values = (leads.account, leads.country, leads.company_size, leads.channel, leads.name, leads.email, leads.company)
        known = [values_of[row] for values_of in (*values, leads.job_title, leads.photo)]
        known[2] = None if np.isnan(leads.company_size[row]) else int(leads.company_size[row])
        return {name: value for name, value in zip(columns, known, strict=True) if value is not None}

    def _index(self, lead_ids: Collection[str]) -> Ints:
        return np.array([self._row[lead_id] for lead_id in lead_ids], dtype=np.int64)

    @cached_property
    def _row(self) -> dict[str, int]:
        return {lead_id: row for row, lead_id in enumerate(self.leads.ids)}


def simulate(seed: int, leads: int = 20_000, days: int = 365, until: int | None = None) -> World:
    """Simulate so many sign-ups over so many days; the same arguments give the same world to the byte.

    The period begins on 2025-06-01, or ends at ``until`` (microseconds since 1970).
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    until = SIMULATED_FROM_US + days * DAY_US if until is None else until
    since = until - days * DAY_US
    product = simulated_product(since, drift_phase=float(rng.random()))
    columns = sign_up(leads, since, until, rng)
    state = draw_rows(np.cumsum(product.first, axis=1)[columns.fit], rng)
    lives = live(product, columns.fit, state, columns.started_at, columns.started_at, LIFE_DAYS, rng)
    events = emit(lives, columns.started_at, columns.utc_offset_h, until, rng)
    return World(seed, since, until, product, columns, lives, events)


def pick_story(world: World) -> str:
    """Return a live lead worth watching: its trial nearly over, its chance much better than on its first day, and much to see."""
    candidates = world.live_leads(TRIAL_DAYS - 4, TRIAL_DAYS - 0.5) or world.live_leads(1, LIFE_DAYS) or world.leads.ids
    row = world._index(candidates)
    first_day = np.minimum(world.leads.started_at[row] + DAY_US, world.until)
    rise = world.truth(candidates, np.full(len(row), world.until)) - world.truth(candidates, first_day)
    seen = np.bincount(world.events.lead, minlength=len(world.leads))[row]
    interest = np.nan_to_num(rise, nan=-1.0) * 3 + np.minimum(seen, 60) / 60
    return candidates[int(np.argmax(interest))]


def _properties(events: EventColumns, row: int) -> dict[str, int | float]:
    """Return what one event carries; seconds and scores are whole numbers."""
    carried = {"duration_s": events.duration_s[row], "amount": events.amount[row], "score": events.score[row]}
    return {name: float(value) if name == "amount" else int(value) for name, value in carried.items() if not np.isnan(value)}
