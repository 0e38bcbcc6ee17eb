"""Who signs up for the simulated product: when, from where, with whom, and how well the product fits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, HOUR_US
from training.simulated_product import FITS, Floats, Ints

_COUNTRIES = ("US", "GB", "DE", "FR", "TR", "IN", "BR", "NL", "CA", "AU")
_COUNTRY_SHARES = {
    "poor": (0.12, 0.04, 0.03, 0.06, 0.13, 0.32, 0.21, 0.02, 0.05, 0.02),
    "fair": (0.27, 0.09, 0.10, 0.08, 0.09, 0.12, 0.09, 0.05, 0.07, 0.04),
    "good": (0.37, 0.13, 0.18, 0.07, 0.03, 0.02, 0.02, 0.08, 0.06, 0.04),
}
_UTC_OFFSET_H = np.array([-6, 0, 1, 1, 3, 5, -3, 1, -5, 10])  # whole hours, no summer time: a simulated planet may be simple
_CHANNELS = ("ads", "direct", "partner", "referral", "search", "social")
_CHANNEL_SHARES = {
    "poor": (0.40, 0.12, 0.01, 0.02, 0.13, 0.32),
    "fair": (0.24, 0.20, 0.06, 0.09, 0.28, 0.13),
    "good": (0.06, 0.22, 0.18, 0.24, 0.27, 0.03),
}
_FIT_SHARES = np.array([0.40, 0.38, 0.22])
_SIZE_OF_FIT = np.array([1.1, 3.0, 4.9])  # mean of the logarithm of the company's size
_SIZE_SPREAD = 0.75
_MISSING = {"country": 0.03, "company_size": 0.06, "channel": 0.05}
_IN_ACCOUNT_SHARE, _MATES_SHARE, _LIKE_THE_ACCOUNT = 0.55, 0.35, 0.92
_MATE_DAYS = 12.0
_GROWTH = 0.35
"""How many more sign-ups a day at the end of the period than at its beginning, relatively."""
_WEEKDAY_SIGN_UPS = np.array([1.0, 1.0, 0.97, 0.93, 0.85, 0.42, 0.46])

Texts = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class LeadColumns:
    """Sign-ups in order of time; None and NaN are what the form left empty. ``fit`` is hidden."""

    ids: list[str]
    started_at: Ints
    fit: Ints
    utc_offset_h: Ints
    account: Texts
    country: Texts
    company_size: Floats
    channel: Texts
    name: list[str]
    email: list[str]
    company: Texts
    job_title: Texts
    photo: Texts

    def __len__(self) -> int:
        return len(self.ids)


def sign_up(leads: int, since: int, until: int, rng: np.random.Generator) -> LeadColumns:
    """Draw sign-ups in ``[since, until)``; some share an account, and with it country, size and mostly their fit."""
    group, first = _groups(leads, rng)
    started = np.where(first, _starts(leads, since, until, rng), 0)
    later = (rng.standard_exponential(leads) * _MATE_DAYS * DAY_US).astype(np.int64) + HOUR_US
    leader = np.maximum.accumulate(np.where(first, np.arange(leads), 0))
    # A mate who would come after the end comes at a time of its own instead, so that every lead asked for is there.
    mate = started[leader] + later
    started = np.where(first, started, np.where(mate < until, mate, _starts(leads, since, until, rng)))
    started -= started % 1_000_000
    order = np.argsort(started, kind="stable")

    account_fit = rng.choice(len(FITS), leads, p=_FIT_SHARES)[group]
    fit = np.where(rng.random(leads) < _LIKE_THE_ACCOUNT, account_fit, rng.choice(len(FITS), leads, p=_FIT_SHARES))
    country = _of_fit(_COUNTRY_SHARES, account_fit, rng)[leader]
    size = np.clip(np.round(np.exp(rng.normal(_SIZE_OF_FIT[account_fit], _SIZE_SPREAD))), 1, 5000)[leader]
    channel = _of_fit(_CHANNEL_SHARES, fit, rng)
    company = rng.random(leads) < 0.55
    shared = np.bincount(group, minlength=leads)[group] > 1
    has_account = (shared | (rng.random(leads) < _IN_ACCOUNT_SHARE))[leader]
    names = rng.permutation(leads)
    photo, title = rng.random(leads) < 0.3, rng.integers(0, 5, leads)
    empty = {column: rng.random(leads) < share for column, share in _MISSING.items()}

    width = max(5, len(str(leads)))
    numbers = [f"{number:0{width}d}" for number in range(leads)]
    account = np.array([f"org-{number:0{width}d}" for number in names[group]], dtype=object)
    companies = np.array([f"Company {number:0{width}d}" for number in names[group]], dtype=object)
    titles = np.array(["Analyst", "Founder", "Manager", None, None], dtype=object)
    return LeadColumns(
        ids=[f"lead-{number}" for number in numbers],
        started_at=started[order],
        fit=fit[order],
        utc_offset_h=_UTC_OFFSET_H[country][order],
        account=_or_empty(has_account, account)[order],
        country=_or_empty(~empty["country"], np.array(_COUNTRIES, dtype=object)[country])[order],
        company_size=np.where(empty["company_size"], np.nan, size)[order],
        channel=_or_empty(~empty["channel"], np.array(_CHANNELS, dtype=object)[channel])[order],
        name=[f"Lead {number}" for number in numbers],
        email=[f"lead{number}@example.com" for number in numbers],
        company=_or_empty(company | has_account, companies)[order],
        job_title=titles[title][order],
        photo=_or_empty(photo, np.full(leads, "yes", dtype=object))[order],
    )


def _groups(leads: int, rng: np.random.Generator) -> tuple[Ints, NDArray[np.bool_]]:
    """Return which account each lead belongs to, and whether it is the first of it."""
    first = rng.random(leads) >= _MATES_SHARE
    first[:1] = True
    return np.cumsum(first) - 1, first


def _starts(leads: int, since: int, until: int, rng: np.random.Generator) -> Ints:
    """Draw instants: a little more every day, few at weekends, most in working hours."""
    days = max(1, -(-(until - since) // DAY_US))
    begin = since + np.arange(days, dtype=np.int64) * DAY_US
    weight = (1 + _GROWTH * np.arange(days) / days) * _WEEKDAY_SIGN_UPS[(begin // DAY_US + 3) % 7]
    day = rng.choice(days, leads, p=weight / weight.sum())
    hour = np.clip(rng.normal(13.5, 4.5, leads), 0, 23.99)
    instant = begin[day] - begin[day] % DAY_US + (hour * HOUR_US).astype(np.int64)
    return np.asarray(np.clip(instant, since, until - 1), dtype=np.int64)


def _of_fit(shares: Mapping[str, tuple[float, ...]], fit: Ints, rng: np.random.Generator) -> Ints:
    cumulative = np.cumsum(np.array([shares[name] for name in FITS]), axis=1)[:, :-1]
    return np.asarray((rng.random(len(fit))[:, None] >= cumulative[fit]).sum(axis=1), dtype=np.int64)


def _or_empty(there: NDArray[np.bool_], values: Texts) -> Texts:
    left = values.copy()
    left[~there] = None
    return left
