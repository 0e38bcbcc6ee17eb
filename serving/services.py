"""What every route works with: the store, the model, the ledger and the rules of access, made once per process."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from features.store import EventStore
from features.workspace import Workspace
from serving.access import Access, Caller
from serving.background import Part
from serving.draining import Draining
from serving.gathered import Gathered
from serving.ledger import Ledger
from serving.limits import Limits
from serving.live import LiveModel
from serving.live_percentile import LivePercentile
from serving.metrics import Metrics
from serving.overload import SCORERS, WRITERS, Rooms
from serving.past_models import PastModels
from serving.problems import retry_later
from serving.proving import Loaded
from serving.ranking import Ranking
from serving.shadow import Shadow
from serving.silence import Silence
from serving.view import View
from serving.webhook_endpoints import Endpoint

Item = TypeVar("Item")
T = TypeVar("T")


@dataclass(slots=True)
class Services:
    """The parts of one server process."""

    workspace: Workspace
    store: EventStore
    access: Access
    live: LiveModel
    ledger: Ledger
    ranking: Ranking
    metrics: Metrics
    silence: Silence
    shadow: Shadow
    past: PastModels
    rooms: Rooms = field(default_factory=lambda: Rooms(Limits()))
    draining: Draining = field(default_factory=lambda: Draining(0.0))
    writers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(WRITERS))
    scorers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(SCORERS))
    gathered: Gathered = field(default_factory=Gathered)
    behind: tuple[Part, ...] = ()
    """What runs behind the answers."""
    endpoints: tuple[Endpoint, ...] = ()
    """Who is told of leads that are handed over."""
    live_percentile: LivePercentile = field(init=False)
    _own_view: View | None = None

    def __post_init__(self) -> None:
        self.live_percentile = LivePercentile(self.store, self.live)

    def model(self) -> Loaded:
        """Return the model that serves; a request asks once and keeps it."""
        found = self.live.current
        if found is None:
            raise retry_later("no_model", "No model has passed its checks yet; train and promote one.")
        return found

    def view(self) -> View:
        """Return how leads are seen: by the model's definition, or while there is no model by the workspace's own."""
        found = self.live.current
        if found is not None:
            return found.view
        if self._own_view is None:
            self._own_view = View(self.workspace, self.workspace.definition())
        return self._own_view

    def is_busy(self) -> bool:
        """Tell whether requests compute or write just now: what can wait then waits."""
        return self.rooms.computing.inside > 0 or self.rooms.writing.inside > 0

    async def write(self, work: Callable[[], T]) -> T:
        """Run work that waits for the disk, off the event loop; raise the problem if there is no room for it."""
        self.rooms.writing.enter()
        return await anyio.to_thread.run_sync(work, limiter=self.writers)

    async def compute(self, work: Callable[[], T]) -> T:
        """Run work that computes, off the event loop; raise the problem if there is no room for it."""
        self.rooms.computing.enter()
        return await anyio.to_thread.run_sync(work, limiter=self.scorers)

    async def compute_together(self, kind: Hashable, item: Item, work: Callable[[Sequence[Item]], Sequence[T]]) -> T:
        """Run what is usually short on the event loop, at once with what others want alike; raise the problem without room."""
        self.rooms.computing.enter()
        if self.gathered.is_short:
            return await self.gathered.take(kind, item, work)
        (found,) = await anyio.to_thread.run_sync(partial(self.gathered.timed, work, [item]), limiter=self.scorers)
        return found

    async def caller(self, request: Request, scope: str, written: str | None = None) -> Caller:
        """Return who asks, or raise the problem that they may not."""
        if self.access.is_stale:
            await run_in_threadpool(self.access.refresh)
        address = request.client.host if request.client is not None else ""
        return self.access.caller(request.headers.get("authorization"), written, scope, address)


def services_of(request: Request) -> Services:
    """Return the services of the server that received a request."""
    found = request.app.state.services
    if not isinstance(found, Services):
        raise TypeError("the server was not started")
    return found
