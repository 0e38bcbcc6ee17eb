"""What a server process does beside answering: it watches how leads change, and tells whoever wants to know."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from features.errors import InputError
from features.store import EventStore
from features.workspace import Workspace
from serving.guarded_connect import Trust
from serving.watch import Serving, Watcher
from serving.webhook_endpoints import endpoints_of
from serving.webhook_metrics import WebhookMetrics
from serving.webhooks import Deliverer


class Part(Protocol):
    """Something that runs until it is stopped."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


def parts_of(
    workspace: Workspace, store: EventStore, live: Serving, metrics: WebhookMetrics, busy: Callable[[], bool]
) -> tuple[Part, ...]:
    """Return what is to run behind the answers. With TRIALWISE_WATCH=off nobody watches here; what waits is still delivered."""
    trust = Trust.from_environment()
    endpoints = endpoints_of(workspace, trust)
    store.outbox.know({endpoint.name: endpoint.address for endpoint in endpoints})
    parts: list[Part] = []
    if watches(os.environ.get("TRIALWISE_WATCH") or "on"):
        parts.append(Watcher(workspace, store, live, endpoints, metrics, busy))
    if endpoints:
        parts.append(Deliverer(store, endpoints, trust, metrics))
    return tuple(parts)


def check_background(workspace: Workspace) -> None:
    """Say what is wrong with the webhooks before any process is started."""
    watches(os.environ.get("TRIALWISE_WATCH") or "on")
    endpoints_of(workspace, Trust.from_environment())


def watches(text: str) -> bool:
    """Read TRIALWISE_WATCH.

    >>> watches("on"), watches("off")
    (True, False)
    """
    if text not in ("on", "off"):
        raise InputError("TRIALWISE_WATCH is not usable", given=text, expected="on or off", do="correct it")
    return text == "on"
