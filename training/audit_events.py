"""The audit of events by when they happen: those that begin at the conversion, stop at it, or know it beforehand.

Features are computed as of a moment before the conversion, so most such events cannot tell a model anything. They are leaks all
the same: a payment that is mapped as a behaviour teaches it nothing before the payment, and one that is dated back teaches it
the answer. An event that continues after the conversion as before is fine, and so is one that is frequent just before it, as
long as others do it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, MINUTE_US, NEVER
from features.names import matches
from features.reading.table_report import Finding
from features.tables import Tables
from features.workspace import Workspace
from training.audit_stops import Stop, stops
from training.column_power import Judged, wilson
from training.metrics import Ints

FEWEST_LEADS = 20
AROUND_US = 5 * MINUTE_US
"""A payment and the event that reports it are written by different clocks."""
SEEN_BEFORE = 0.10
"""At most so many of the leads that have an event may have had it before any conversion, if it begins with the conversion."""
COPY_SHARE, COPY_LOW, COPY_OF_CONVERSIONS, COPY_ODDS = 0.95, 0.85, 0.30, 0.2
SURE = 1e-6
ENDS_BY_NATURE = frozenset(("purchase_intent", "marketing", "sales"))
"""Steps towards a purchase end with the purchase: that they stop proves nothing."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Of every event name, which leads had it while they were open, and which at their conversion or after it."""

    open: list[Ints]
    after: list[Ints]
    first_after: list[Ints]
    """Microseconds from the conversion to the first event at or after it, of those leads."""


def event_leaks(ws: Workspace, tables: Tables, judged: Judged, now: int) -> Iterator[Finding]:
    """Yield the event names that the conversion times convict; a name that nothing maps only warns."""
    leads, events = tables.leads, tables.events
    paid = (leads.converted_at < NEVER) & (leads.converted_at > leads.started_at) & ~leads.ignored
    if paid.sum() < FEWEST_LEADS or not len(events):
        return
    exact = ws.resolution.events == ws.resolution.conversions == "second"
    seen = _seen(tables, AROUND_US if exact else 0)
    share = float(paid.sum()) / max(int((~leads.ignored).sum()), 1)
    stopped = stops(tables, now)
    payments = _payment_patterns(ws)
    for code, name in enumerate(events.names):
        users = used_by(ws, name)
        if not users and any(matches(pattern, name) for pattern in payments):
            continue  # it is the conversion itself, as the workspace file says, and no behaviour
        evidence = _begins(seen, code, share) or _copies(seen.open[code], judged)
        if not evidence and name in stopped and not ENDS_BY_NATURE & set(users):
            evidence = _stopped(stopped[name])
        if evidence and users:
            yield Finding("leak", name, f"the event {evidence}; it is mapped by {', '.join(users)}")
        elif evidence:
            yield Finding("warn", name, f"the event {evidence}; nothing maps it, only features over any event see it")


def used_by(ws: Workspace, name: str) -> tuple[str, ...]:
    """Return the behaviours and own features that map a folded event name."""
    behaviours = [key for key, one in ws.behaviours.items() if any(matches(pattern.event, name) for pattern in one.events)]
    features = [key for key, one in ws.features.items() if any(matches(pattern.event, name) for pattern in one.patterns)]
    return (*behaviours, *features)


def _payment_patterns(ws: Workspace) -> list[str]:
    return [] if ws.data.conversions is None else [pattern.event for pattern in ws.data.conversions.events]


def _seen(tables: Tables, around_us: int) -> _Seen:
    leads, events = tables.leads, tables.events
    counted = ~leads.ignored[events.lead] & (leads.converted_at[events.lead] > leads.started_at[events.lead])
    by_name = np.argsort(events.name, kind="stable")
    by_name = by_name[counted[by_name]]
    ends = np.searchsorted(events.name[by_name], np.arange(len(events.names) + 1))
    found = _Seen([], [], [])
    for code in range(len(events.names)):
        rows = by_name[ends[code] : ends[code + 1]]
        lead, since = events.lead[rows].astype(np.int64), events.known[rows] - leads.converted_at[events.lead[rows]]
        before: NDArray[np.bool_] = since <= -around_us
        after, first = np.unique(lead[~before], return_index=True)
        found.open.append(np.unique(lead[before]))
        found.after.append(after)
        found.first_after.append(since[~before][first])
    return found


def _begins(seen: _Seen, code: int, share: float) -> str:
    """Say that leads have an event only from their conversion on, if (almost) all do."""
    after, before = seen.after[code], seen.open[code]
    fresh = np.setdiff1d(after, before)
    everybody = len(np.union1d(after, before))
    if len(fresh) < FEWEST_LEADS or len(before) > SEEN_BEFORE * everybody:
        return ""
    if _binomial_tail(len(fresh), everybody, share) > SURE:
        return ""
    days = float(np.median(seen.first_after[code])) / DAY_US
    when = "begins at the conversion" if days < 1.0 else f"follows the conversion by {days:.1f} days (median)"
    return f"{when}: {len(fresh):,} of the {everybody:,} leads that have it have it only at or after their conversion"


def _copies(before: Ints, judged: Judged) -> str:
    """Say that having an event is having converted, though it is dated before: among leads whose outcome is known."""
    bought = judged.outcome[np.isin(judged.lead, before)]
    n, hits = len(bought), int(bought.sum())
    if n < FEWEST_LEADS or hits < COPY_SHARE * n or hits < COPY_OF_CONVERSIONS * judged.conversions:
        return ""
    base = judged.conversions / len(judged)
    if wilson(hits, n)[0] < COPY_LOW or 1 - hits / n > COPY_ODDS * (1 - base):
        return ""
    return (
        f"knows the conversion beforehand: {hits:,} of the {n:,} leads that have it convert later, at large {100 * base:.1f} % do"
    )


def _stopped(stop: Stop) -> str:
    return (
        f"stops at the conversion: {stop.seen:,} of {stop.leads:,} leads have it in the four weeks after theirs, where "
        f"{stop.expected:.0f} would be expected from others of the same age"
    )


def _binomial_tail(hits: int, n: int, share: float) -> float:
    """Return the chance of so many hits or more."""
    k = np.arange(hits, n + 1)
    share = min(max(share, 1e-12), 1 - 1e-12)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    return float(np.exp(logs[n] - logs[k] - logs[n - k] + k * np.log(share) + (n - k) * np.log1p(-share)).sum())
