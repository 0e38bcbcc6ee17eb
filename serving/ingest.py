"""Taking items in: each judged on its own, what is good stored durably, what is not kept with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from features.store import EventStore
from features.storing.rows import Contact, Message, Outcome, Refused, Told, to_json
from serving import segment
from serving.items import Arrival, RefusedCall, lead_of
from serving.metrics import Metrics

T = TypeVar("T", Message, Outcome, Contact)

MERGE_CYCLE = "By this call an id would be a lead that turned out to be this very id."
FORGOTTEN = "This lead was forgotten: nothing that is said of it is kept."
CONFLICT = "Something else was stored under this id before; the first stays."

NOT_TAKEN: Mapping[Told, str] = {"conflict": CONFLICT, "forgotten": FORGOTTEN}
"""What the store itself refuses, and why; nothing of it is quarantined."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where items come in: its address, how one of them is read, and whom one that is refused is about."""

    path: str
    clean: Callable[[Any], Any]
    lead_of: Callable[[Any], str | None]
    now: int

    def refused(self, items: Sequence[Any], bad: Sequence[tuple[int, RefusedCall]]) -> list[Refused]:
        """Return what is kept of refused items, each under the lead that it is about if it says so at all."""
        return [
            Refused(self.path, self.lead_of(items[index]), refusal.code, to_json(items[index]), self.now)
            for index, refusal in bad
        ]


def segment_door(path: str, arrival: Arrival, kind: str | None = None) -> Door:
    """Return a door for Segment's calls; ``kind`` is what its address says of them."""
    return Door(
        path,
        lambda call: segment.clean(call, arrival, kind),
        lambda call: lead_of(call, ("userId", "anonymousId")),
        arrival.now,
    )


def take_calls(store: EventStore, metrics: Metrics, door: Door, calls: Sequence[Any]) -> dict[str, Any]:
    """Store calls of an analytics tool and say what became of each."""
    good, bad = sort_out(calls, door.clean)
    if good:
        metrics.event_lag.observe(max(0, door.now - max([message.at for _, message in good])) / 1e6)
    kept = door.refused(calls, bad)
    what = store.add([message for _, message in good], kept)
    told = list(zip([index for index, _ in good], what, strict=True))
    rings = [(index, RefusedCall("merge_cycle", MERGE_CYCLE)) for index, one in told if one == "merge_cycle"]
    if rings:
        # Kept before the answer goes out: a caller who does not get it sends the call again, and it is refused again.
        store.add([], door.refused(calls, rings))
    return answer_of(metrics, [one for one in told if one[1] != "merge_cycle"], [*bad, *rings])


def sort_out(items: Sequence[Any], clean: Callable[[Any], T]) -> tuple[list[tuple[int, T]], list[tuple[int, RefusedCall]]]:
    """Return the good items as they are stored and the bad ones with their reason, each with its place."""
    good: list[tuple[int, T]] = []
    bad: list[tuple[int, RefusedCall]] = []
    for index, item in enumerate(items):
        try:
            good.append((index, clean(item)))
        except RefusedCall as refusal:
            bad.append((index, refusal))
    return good, bad


def answer_of(metrics: Metrics, told: Iterable[tuple[int, Told]], bad: Sequence[tuple[int, RefusedCall]]) -> dict[str, Any]:
    """Return what became of every item of a request, and count it."""
    refused = [{"index": index, "code": refusal.code, "detail": refusal.detail} for index, refusal in bad]
    counted = {"accepted": 0, "duplicate": 0, "conflict": 0, "forgotten": 0}
    for index, what in told:
        counted[what] += 1
        if what in NOT_TAKEN:
            refused.append({"index": index, "code": what, "detail": NOT_TAKEN[what]})
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
