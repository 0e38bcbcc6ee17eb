"""Rate limits: a bucket of tokens for each key, and a count of failed logins for each client address.

A bucket fills at a steady rate up to its burst, and each request takes one token out. It is kept as the one instant at which it
was, or will be, full: what is missing follows from the clock. Each server process counts for itself.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from serving.problems import Problem
from serving.request_ids import limited

MOST_ADDRESSES = 10_000
"""Of more addresses than this the one that failed longest ago is forgotten, so that a crowd cannot fill the memory."""
MINUTE = 60.0
SITE_BITS = 64
"""A site of IPv6 owns 64 bits of addresses: counted one by one, its tries would never end."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may still do after a request."""

    limit: int
    remaining: int
    full_in: float
    """Seconds until the whole burst is there again."""
    retry_in: float
    """Seconds until the next request is allowed; 0 if this one was."""

    def headers(self) -> dict[str, str]:
        """Return what the answer says of it. Seconds are rounded up: who waits as told is let in."""
        told = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(math.ceil(self.full_in if self.retry_in == 0 else self.retry_in)),
        }
        if self.retry_in > 0:
            told["Retry-After"] = str(math.ceil(self.retry_in))
        return told


class KeyRates:
    """The buckets of all keys. Only valid keys get one, so there are never more than keys.

    Parameters
    ----------
    rate
        Tokens a second.
    burst
        Tokens in a full bucket.
    """

    def __init__(self, rate: float, burst: int, *, clock: Clock = time.monotonic) -> None:
        self._seconds_each = 1 / rate
        self._burst = burst
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, key_id: str) -> Allowance:
        """Take a token for one request of a key, if there is one.

        >>> rates = KeyRates(rate=4, burst=2, clock=lambda: 0.0)
        >>> [rates.take("a").retry_in for _ in range(3)], rates.take("b").remaining
        ([0.0, 0.0, 0.25], 1)
        """
        now = self._clock()
        each = self._seconds_each
        full_at = max(self._full_at.get(key_id, now), now)
        after = full_at + each - now
        # A millionth of a token is forgiven: it is the rounding of the clock.
        lacking = after - self._burst * each
        if lacking > each * 1e-6:
            return Allowance(self._burst, 0, full_at - now, lacking)
        self._full_at[key_id] = full_at + each
        return Allowance(self._burst, int(self._burst - after / each + 1e-6), after, 0.0)


class FailedLogins:
    """Who failed to show a valid key within the last minute, by client address.

    An address that failed too often is refused before its key is looked at, a valid one too: otherwise the refusals would tell
    which guess was right.
    """

    def __init__(self, a_minute: int, *, clock: Clock = time.monotonic) -> None:
        self._most = a_minute
        self._clock = clock
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raise the problem if the address has to wait."""
        times = self._failed.get(site_of(address)) if self._failed else None
        if times is None or len(times) < self._most:
            return
        wait = times[0] + MINUTE - self._clock()
        if wait > 0:
            headers = {"Retry-After": str(math.ceil(wait))}
            detail = "Too many requests without a valid key came from this address."
            raise limited(Problem("too_many_failures", detail, headers=headers))

    def note(self, address: str) -> None:
        """Count a failure."""
        site = site_of(address)
        times = self._failed.setdefault(site, deque(maxlen=self._most))
        times.append(self._clock())
        self._failed.move_to_end(site)
        if len(self._failed) > MOST_ADDRESSES:
            self._failed.popitem(last=False)


def refused(allowance: Allowance) -> Problem:
    """Return the problem of a key that has used up its requests."""
    detail = "This key sends too many requests; send fewer, or more in each."
    return limited(Problem("rate_limited", detail, headers=allowance.headers()))


def told(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as they go over the wire."""
    return [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def site_of(address: str) -> str:
    """Return whom an address stands for: itself, or its network with IPv6.

    >>> site_of("192.0.2.7"), site_of("2001:db8:1:2:3:4:5:6"), site_of("::ffff:192.0.2.7"), site_of("a socket")
    ('192.0.2.7', '2001:db8:1:2::', '192.0.2.7', 'a socket')
    """
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), SITE_BITS), strict=False).network_address)
