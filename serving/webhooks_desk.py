"""What an operator does about webhooks: look how they do, send again, try one out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.clock import format_us, now_us
from features.errors import InputError
from features.store import EventStore
from features.storing.engine import configured_url
from features.storing.outbox import EndpointState
from features.workspace import Workspace, load_workspace
from serving.guarded_connect import Trust
from serving.items import RefusedCall, read_moment
from serving.webhook_endpoints import Endpoint, endpoints_of
from serving.webhook_messages import TEST, body_of, headers_of
from serving.webhook_post import post
from serving.webhook_schedule import judged

WAIT_MS = 10_000


@contextmanager
def _desk(path: str | Path) -> Iterator[tuple[Workspace, EventStore, dict[str, Endpoint]]]:
    """Open the store with the endpoints of a workspace."""
    workspace = load_workspace(path)
    endpoints = {endpoint.name: endpoint for endpoint in endpoints_of(workspace, Trust.from_environment())}
    store = EventStore(configured_url(), wait_ms=WAIT_MS)
    try:
        store.migrate()
        store.outbox.know({name: endpoint.address for name, endpoint in endpoints.items()})
        yield workspace, store, endpoints
    finally:
        store.close()


def list_endpoints(path: str | Path) -> list[dict[str, Any]]:
    """Return how each endpoint does, those that the workspace file names no more among them."""
    with _desk(path) as (_, store, endpoints):
        return [_row(state, state.name in endpoints) for state in store.outbox.states()]


def _row(state: EndpointState, named: bool) -> dict[str, Any]:
    now = now_us()
    paused = state.paused_until is not None and state.paused_until > now
    word = "disabled" if state.disabled_at else "paused" if paused else "failing" if state.failing_since else "active"
    times = {
        name: None if at is None else format_us(at)
        for name, at in (
            ("disabled_at", state.disabled_at),
            ("paused_until", state.paused_until if paused else None),
            ("failing_since", state.failing_since),
            ("last_success_at", state.last_success_at),
            ("oldest_waiting", state.oldest),
        )
    }
    counts = {"waiting": state.waiting, "delivered": state.delivered, "failed": state.failed}
    return {"endpoint": state.name, "state": word if named else "unnamed", "last_answer": state.last_answer} | counts | times


def replay_messages(path: str | Path, *, message_id: str | None, since: str | None, endpoint: str | None, every: bool) -> int:
    """Let messages be sent again by the server; return how many."""
    if (message_id is None) == (since is None):
        raise InputError(
            "it is not said what to send again",
            given="neither an id nor --since" if since is None else "both an id and --since",
            expected="one of them",
            do="name the webhook-id of a message, or an instant",
        )
    with _desk(path) as (workspace, store, endpoints):
        if endpoint is not None:
            _named(endpoint, endpoints)
        start = 0 if since is None else _instant(since, workspace.timezone)
        count = store.outbox.replay(now_us(), message_id=message_id, since=start, name=endpoint, every=every)
    if message_id is not None and not count:
        raise InputError(
            "there is no such message", given="that id", expected="the webhook-id of a message of the last 30 days", do="check it"
        )
    return count


def try_out(path: str | Path, name: str) -> dict[str, Any]:
    """Send one test message to an endpoint and return how it answered."""
    with _desk(path) as (workspace, store, endpoints):
        endpoint = _named(name, endpoints)
        message_id = f"msg_{secrets.token_hex(16)}"
        body = body_of(endpoint, message_id, TEST, now_us(), {"workspace": workspace.name}, workspace.name).encode()
        reply = post(endpoint, headers_of(endpoint, message_id, body, int(time.time())), body, Trust.from_environment())
        result = judged(reply, 1, now_us())
        store.outbox.note(name, result)
    return {"endpoint": name, "message_id": message_id, "delivered": result.delivered, "answered": result.answered}


def _named(name: str, endpoints: dict[str, Endpoint]) -> Endpoint:
    if name not in endpoints:
        expected = ", ".join(endpoints) or "a webhook in the workspace file, which has none"
        raise InputError("there is no such endpoint", given=name, expected=expected, do="name one of them")
    return endpoints[name]


def _instant(text: str, timezone: str) -> int:
    try:
        return read_moment(text, timezone)
    except RefusedCall:
        raise InputError(
            "--since is no instant", given=text, expected="ISO 8601, such as 2026-05-07T09:00:00Z", do="correct it"
        ) from None
