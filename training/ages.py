"""The moments at which a lead is looked at: configured ages, moved a little by a hash so that no age is special."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US

SPREAD = 0.15
"""A jittered age lies within ``exp(+-SPREAD)`` of the configured one."""

_SECOND_US = 1_000_000


def fixed_ages(ages_days: Sequence[float]) -> NDArray[np.int64]:
    """Return the configured ages in microseconds: the ages at which leads are scored and figures are given.

    >>> fixed_ages([1, 0.5]).tolist()
    [86400000000, 43200000000]
    """
    return np.array([round(age * DAY_US) for age in ages_days], dtype=np.int64)


def jittered_ages(lead_ids: Sequence[str], ages_days: Sequence[float], *, seed: int, whole_days: bool) -> NDArray[np.int64]:
    """Return one age per lead (row) and look (column), in microseconds, moved by a hash of seed, lead and look.

    A model that only ever saw leads at exactly seven days would learn the calendar of the snapshots. The hash makes the ages
    dense without a random state: a lead's ages do not depend on which other leads there are.

    Where events are dated by day, features change at midnight only, so ages that are whole days stay whole days
    (``whole_days``): a look at day 6.3 would be told apart from one at day 7 by its age while seeing another set of days.
    """
    ages = np.empty((len(lead_ids), len(ages_days)), dtype=np.int64)
    for look, age in enumerate(ages_days):
        round_to = DAY_US if whole_days and float(age).is_integer() else _SECOND_US
        for row, lead_id in enumerate(lead_ids):
            moved = age * DAY_US * math.exp(SPREAD * _signed_share(seed, lead_id, look))
            ages[row, look] = max(round(moved / round_to), int(age > 0)) * round_to
    return ages


def _signed_share(seed: int, lead_id: str, look: int) -> float:
    """Return a number in [-1, 1) that is a pure function of its three arguments."""
    digest = hashlib.sha256(f"{seed}\n{look}\n{lead_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**63 - 1.0
