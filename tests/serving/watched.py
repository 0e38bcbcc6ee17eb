"""Leads for the watch: told to the store as the doors would tell them, and watched by a model without a registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy import select

from features.clock import DAY_US, format_us, now_us
from features.store import EventStore
from features.storing.lead_states import Transition
from features.storing.rows import Message, Outcome
from features.storing.watch_tables import outbox, transition
from features.workspace import Workspace
from models import artifact
from models.registry import ChampionRef
from serving.proving import Loaded, prove
from serving.watch import Watcher
from serving.webhook_endpoints import Endpoint
from serving.webhook_metrics import WebhookMetrics

NOW = now_us()
START = NOW - 2 * DAY_US


LIKELY = 0.001
"""So little is enough here: what the invented model thinks of a lead does not matter, only that it used the product."""


@dataclass
class Model:
    """What serves."""

    current: Loaded | None


def model(folder: Path, workspace: Workspace, version: str = "1") -> Model:
    ref = ChampionRef("acme", version, artifact.folder_digest(folder), "run", "")
    return Model(prove(ref, folder, staged(workspace, pql_probability=LIKELY)))


def staged(workspace: Workspace, **stages: float) -> Workspace:
    return workspace.model_copy(update={"stages": workspace.stages.model_copy(update=stages)})


def tell(store: EventStore, lead_id: str, names: Sequence[str] = (), *, at: int = NOW, start: int = START) -> None:
    """Tell the store of a lead that began two days ago, and of what it did since, all of it received at an instant."""
    begun = Message(
        f"{lead_id}-{at}", "identify", lead_id, "", start, at, "d", traits={"country": "DE", "signed_up_at": format_us(start)}
    )
    events = [
        Message(f"{lead_id}-{at}-{i}", "track", lead_id, name, start + i * 60_000_000, at, "d") for i, name in enumerate(names)
    ]
    assert set(store.add([begun, *events])) == {"accepted"}


def pay(store: EventStore, lead_id: str, at: int) -> None:
    store.add_outcomes([Outcome(f"paid-{lead_id}", lead_id, at, at)])


EAGER = ["feature.a"] * 8 + ["Login"] * 3
"""What a lead does that is sure to be product-qualified."""


def watcher(
    workspace: Workspace, store: EventStore, live: Model, endpoints: Sequence[Endpoint] = (), debounce: float = 0.0
) -> Watcher:
    return Watcher(staged(workspace, debounce_seconds=debounce), store, live, endpoints, WebhookMetrics(CollectorRegistry()))


def changes(store: EventStore) -> list[Transition]:
    with store.reading() as connection:
        rows = connection.execute(select(*(transition.c[name] for name in Transition.__slots__)).order_by(transition.c.seq))
        return [Transition(**row._mapping) for row in rows]


def told(store: EventStore) -> list[tuple[str, str, str]]:
    with store.reading() as connection:
        rows = connection.execute(select(outbox.c.lead_id, outbox.c.endpoint, outbox.c.kind).order_by(outbox.c.seq))
        return [(row[0], row[1], row[2]) for row in rows]
