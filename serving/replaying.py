"""Replaying what was refused: each item goes through the door at which it came in, with its times as of its first arrival.

It is known only from its replay on: no score before that could have used it, so no training may either.

An item that is taken, or was stored before, is noted as replayed; one that is refused again waits on. Of the request that it came
in only the item was kept: what stood around it, such as a batch's sentAt, counts no more, and neither does who sent it. An item
without an id of its own gets one from what was kept, so that a replay that was cut off and begins again stores nothing twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from features.clock import format_us, now_us
from features.errors import InputError
from features.store import EventStore
from features.storing.engine import configured_url
from features.storing.quarantined import Kept
from features.storing.rows import Contact, Message, Outcome
from features.workspace import Workspace, load_workspace
from serving import posthog, posthog_routes, sales, segment
from serving.items import Arrival, RefusedCall, read_moment
from serving.page_keys import NOT_FOR_PAGES
from serving.settings import Settings

WAIT_MS = 10_000

Item = Message | Outcome | Contact
SEGMENT_KINDS = {f"/v1/{name}": kind for kind in segment.KINDS for name in (kind, kind[0])}
"""What the address of a call says of it."""

SETTLED = ("accepted", "duplicate", "conflict", "forgotten")
"""What may become of an item for good; whatever else is said of it may change."""


def list_refused(*, code: str | None = None, since: str | None = None) -> dict[str, Any]:
    """Return how many items wait at each door and why, and each of those that wait, without what it says."""
    start = _instant(since, "UTC")
    store = EventStore(configured_url(), wait_ms=WAIT_MS)
    try:
        store.migrate()
        counts = store.quarantine.counts()
        items = [one for block in store.quarantine.waiting(code=code, since=start) for one in block]
    finally:
        store.close()
    return {
        "counts": [
            {"door": door, "code": why, "waiting": waiting, "replayed": replayed} for door, why, waiting, replayed in counts
        ],
        "waiting": [_row(one) for one in items],
    }


def replay_refused(path: str | Path, *, code: str | None = None, since: str | None = None) -> dict[str, Any]:
    """Replay items and return what became of each: a word of SETTLED, or the reason why it is refused now."""
    workspace = load_workspace(path)
    start = _instant(since, workspace.timezone)
    store = EventStore(configured_url(), wait_ms=WAIT_MS)
    try:
        store.migrate()
        store.need_same_secret(Settings.from_environment().secret())
        became = [pair for block in store.quarantine.waiting(code=code, since=start) for pair in replay(store, workspace, block)]
    finally:
        store.close()
    counts = Counter(what if what in SETTLED else "refused" for _, what in became)
    return {"counts": dict(counts), "items": [_row(one) | {"became": what} for one, what in became]}


def replay(store: EventStore, workspace: Workspace, block: Sequence[Kept]) -> Iterator[tuple[Kept, str]]:
    """Replay some items, note which of them are settled, and yield what became of each."""
    good: list[tuple[Kept, Item]] = []
    became: dict[int, str] = {}
    for one in block:
        try:
            good.append((one, _known_from(read_kept(workspace, one), now_us())))
        except RefusedCall as refusal:
            became[one.seq] = refusal.code
    adders: tuple[tuple[type[Item], Callable[[Any], Sequence[str]]], ...] = (
        (Message, store.add),
        (Outcome, store.add_outcomes),
        (Contact, store.add_contacts),
    )
    for kind, add in adders:
        these = [(one.seq, item) for one, item in good if isinstance(item, kind)]
        told = add([item for _, item in these]) if these else ()
        became.update(zip((seq for seq, _ in these), told, strict=True))
    store.quarantine.note([seq for seq, what in became.items() if what in SETTLED], now_us())
    return ((one, became[one.seq]) for one in block)


def read_kept(workspace: Workspace, kept: Kept) -> Item:
    """Read an item as its door does, as of its first arrival; raise RefusedCall if the door still refuses it."""
    if kept.code == NOT_FOR_PAGES:
        raise RefusedCall(kept.code, "It came with a key that anybody may hold.")
    item, arrival = json.loads(kept.body), Arrival(kept.received_at, workspace.timezone)
    if kept.door == "/v1/conversions":
        return sales.read_outcome(item, arrival, workspace.resolution.conversions)
    if kept.door == "/v1/contacts":
        return sales.read_contact(item, arrival)
    if kept.door in posthog_routes.DOORS:
        leads = workspace.data.leads
        sent = posthog.Sent(arrival, account=leads.account if leads is not None else None)
        return _with_id(kept, posthog.clean(item, sent))
    return _with_id(kept, segment.clean(item, arrival, SEGMENT_KINDS.get(kept.door)))


def _known_from(item: Item, now: int) -> Item:
    if isinstance(item, Message):
        return replace(item, received_at=now)
    return replace(item, known_at=max(item.known_at, now))


def _with_id(kept: Kept, message: Message) -> Message:
    """Give a message that brought no id one that is the same whenever it is replayed."""
    is_made_up = message.message_id.startswith("tw-") and message.message_id not in kept.body
    return replace(message, message_id=f"tw-kept-{kept.digest}") if is_made_up else message


def _row(one: Kept) -> dict[str, Any]:
    return {"seq": one.seq, "received_at": format_us(one.received_at), "door": one.door, "code": one.code}


def _instant(text: str | None, timezone: str) -> int:
    if text is None:
        return 0
    try:
        return read_moment(text, timezone)
    except RefusedCall:
        raise InputError(
            "--since is no instant", given=text, expected="ISO 8601, such as 2026-05-07T09:00:00Z", do="correct it"
        ) from None
