"""Taking calls and conversions in: each item judged on its own, what is good stored durably, what is not kept with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from features.clock import DAY_US
from features.reading.moments import day_begin, effective_event
from features.store import EventStore
from features.storing.rows import Message, Outcome, Refused, Told, outcome_id, to_json
from serving import segment
from serving.metrics import Metrics
from serving.segment import Arrival, RefusedCall, read_id, read_moment

T = TypeVar("T", Message, Outcome)

MERGE_CYCLE = "By this call an id would be a lead that turned out to be this very id."
CONFLICT = "Something else was stored under this id before; the first stays."


def take_calls(
    store: EventStore, metrics: Metrics, door: str, calls: Sequence[Any], arrival: Arrival, kind: str | None = None
) -> dict[str, Any]:
    """Store Segment calls and say what became of each."""
    good, bad = _sort(calls, lambda call: segment.clean(call, arrival, kind))
    kept = _refused(door, calls, bad, ("userId", "anonymousId"), arrival)
    what = store.add([message for _, message in good], kept)
    told = list(zip((index for index, _ in good), what, strict=True))
    rings = [(index, RefusedCall("merge_cycle", MERGE_CYCLE)) for index, one in told if one == "merge_cycle"]
    if rings:
        # Kept before the answer goes out: a caller who does not get it sends the call again, and it is refused again.
        store.add([], _refused(door, calls, rings, ("userId", "anonymousId"), arrival))
    return _answer(metrics, [one for one in told if one[1] != "merge_cycle"], [*bad, *rings])


def take_conversions(
    store: EventStore, metrics: Metrics, items: Sequence[Any], arrival: Arrival, resolution: str
) -> dict[str, Any]:
    """Store conversions and say what became of each."""
    good, bad = _sort(items, lambda item: _outcome(item, arrival, resolution))
    kept = _refused("/v1/conversions", items, bad, ("lead_id",), arrival)
    told = store.add_outcomes([outcome for _, outcome in good], kept)
    return _answer(metrics, zip((index for index, _ in good), told, strict=True), bad)


def _sort(items: Sequence[Any], clean: Callable[[Any], T]) -> tuple[list[tuple[int, T]], list[tuple[int, RefusedCall]]]:
    good: list[tuple[int, T]] = []
    bad: list[tuple[int, RefusedCall]] = []
    for index, item in enumerate(items):
        try:
            good.append((index, clean(item)))
        except RefusedCall as refusal:
            bad.append((index, refusal))
    return good, bad


def _refused(
    door: str, items: Sequence[Any], bad: Sequence[tuple[int, RefusedCall]], named: Sequence[str], arrival: Arrival
) -> list[Refused]:
    """Return what is kept of refused items, each under the lead that it is about if it says so at all."""
    return [
        Refused(door, segment.lead_of(items[index], named), refusal.code, to_json(items[index]), arrival.now)
        for index, refusal in bad
    ]


def _answer(metrics: Metrics, told: Iterable[tuple[int, Told]], bad: Sequence[tuple[int, RefusedCall]]) -> dict[str, Any]:
    refused = [{"index": index, "code": refusal.code, "detail": refusal.detail} for index, refusal in bad]
    counted = {"accepted": 0, "duplicate": 0, "conflict": 0}
    for index, what in told:
        counted[what] += 1
        if what == "conflict":
            refused.append({"index": index, "code": "conflict", "detail": CONFLICT})
    refused.sort(key=lambda one: (one["index"],))
    for label, number in (*counted.items(), ("refused", len(bad))):
        if number:
            metrics.events.labels(label).inc(number)
    return {
        "success": not refused,
        "accepted": counted["accepted"],
        "duplicates": counted["duplicate"],
        "refused": refused,
    }


def _outcome(item: Any, arrival: Arrival, resolution: str) -> Outcome:
    if not isinstance(item, dict):
        raise RefusedCall("not_an_object", "A conversion must be a JSON object.")
    lead_id, stated = read_id(item, "lead_id"), read_id(item, "id")
    if lead_id is None:
        raise RefusedCall("missing_lead_id", "A conversion needs lead_id.")
    if "at" not in item:
        raise RefusedCall("missing_at", "A conversion needs at, the time of the payment.")
    at = read_moment(item["at"], arrival.timezone)
    if at > arrival.now + DAY_US:
        raise RefusedCall("timestamp_in_future", "The payment lies more than 24 hours ahead of the server's clock.")
    received_at = _received(item, arrival)
    if resolution == "day":
        known_from = int(effective_event(np.array([at]), resolution, arrival.timezone)[0])
        at = int(day_begin(np.array([at]), arrival.timezone)[0])
    else:
        known_from = at
    return Outcome(stated or outcome_id(lead_id, at), lead_id, at, max(known_from, received_at))


def _received(item: Mapping[str, Any], arrival: Arrival) -> int:
    stated = item.get("received_at")
    if stated is None or not arrival.may_backdate:
        return arrival.now
    received = read_moment(stated, arrival.timezone)
    if received > arrival.now:
        raise RefusedCall("received_in_future", "received_at lies ahead of the server's clock.")
    return received
