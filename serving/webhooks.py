"""Delivering: one thread for each endpoint takes what waits for it from the outbox, sends it, and writes down what came of it.

An endpoint that is slow or dead holds up nobody but itself. With several server processes each message is claimed by one of them;
only if that one dies between sending and writing it down is it sent again, under the same id.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from features.clock import DAY_US, now_us
from features.failpoints import failpoint
from features.store import EventStore
from features.storing.engine import StoreUnavailable
from features.storing.outbox import Result
from serving.guarded_connect import Trust
from serving.webhook_endpoints import Endpoint
from serving.webhook_messages import headers_of
from serving.webhook_metrics import WebhookMetrics
from serving.webhook_post import ATTEMPT_SECONDS, post
from serving.webhook_schedule import DELAYS, SECOND_US, judged

POLL_SECONDS = 1.0
TROUBLE_SECONDS = 10.0
CLAIM_SECONDS = 120.0
"""So long nobody else sends a claimed message: well beyond the longest attempt, looking up the name included."""
COUNT_SECONDS = 15.0
KEPT_US = 30 * DAY_US
"""So long a message that was delivered or given up can be sent again."""
PRUNE_SECONDS = 3600.0

log = logging.getLogger("trialwise.webhooks")


class Deliverer:
    """The sending side of the webhooks of one server process."""

    def __init__(
        self,
        store: EventStore,
        endpoints: Sequence[Endpoint],
        trust: Trust,
        metrics: WebhookMetrics,
        *,
        delays: tuple[float, ...] = DELAYS,
        claim_seconds: float = CLAIM_SECONDS,
    ) -> None:
        self._store = store
        self._endpoints = endpoints
        self._trust = trust
        self._metrics = metrics
        self._delays = delays
        self._claim_us = round(claim_seconds * SECOND_US)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(endpoint,), name=f"webhook-{endpoint.name}", daemon=True)
            for endpoint in endpoints
        ]
        self._count_at = self._prune_at = 0.0
        self._tidying = threading.Lock()

    def start(self) -> None:
        """Start sending."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop; an attempt under way is waited for, so that it is not made again."""
        self._stop.set()
        deadline = time.monotonic() + ATTEMPT_SECONDS + 1
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def deliver(self, endpoint: Endpoint) -> bool:
        """Send the message of an endpoint that has been due the longest; return False if none is due."""
        now = now_us()
        claimed = self._store.outbox.claim(endpoint.name, now, now + self._claim_us)
        if claimed is None:
            return False
        failpoint("webhook.claimed")
        body = claimed.body.encode()
        reply = post(endpoint, headers_of(endpoint, claimed.message_id, body, int(time.time())), body, self._trust)
        failpoint("webhook.sent")
        result = judged(reply, claimed.attempts, now_us(), self._delays)
        self._store.outbox.record(claimed, result)
        failpoint("webhook.recorded")
        self._count(endpoint.name, result)
        return True

    def _count(self, name: str, result: Result) -> None:
        if result.delivered:
            self._metrics.delivered.labels(name).inc()
            return
        self._metrics.failed.labels(name).inc()
        log.warning("webhook %s answered %s", name, result.answered)
        if result.next_at is None:
            self._metrics.given_up.labels(name).inc()

    def _run(self, endpoint: Endpoint) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                self._tidy()
                pause = 0.0 if self.deliver(endpoint) else POLL_SECONDS
            except StoreUnavailable as trouble:
                log.warning("%s", trouble)
                pause = TROUBLE_SECONDS
            except Exception:
                # Whatever an endpoint comes up with, the next message and the next endpoint have nothing to do with it.
                log.exception("a webhook could not be delivered")
                pause = TROUBLE_SECONDS

    def _tidy(self) -> None:
        """Count what waits, and let go of what is long done; one thread does it for all."""
        if not self._tidying.acquire(blocking=False):
            return
        try:
            now = time.monotonic()
            if now >= self._count_at:
                self._count_at = now + COUNT_SECONDS
                self.count_waiting()
            if now >= self._prune_at:
                self._prune_at = now + PRUNE_SECONDS
                self._store.outbox.prune(now_us() - KEPT_US)
        finally:
            self._tidying.release()

    def count_waiting(self) -> None:
        """Bring the gauges up to date."""
        names = [endpoint.name for endpoint in self._endpoints]
        waiting, now = self._store.outbox.waiting(names), now_us()
        for name in names:
            count, oldest = waiting.get(name, (0, now))
            self._metrics.waiting.labels(name).set(count)
            self._metrics.oldest.labels(name).set(max(0.0, (now - oldest) / SECOND_US))
