"""Prometheus metrics: how much came in, how much was answered, how fast. No label ever holds an id."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The metrics of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        of = self.registry
        self.events = Counter("trialwise_events_total", "Calls and conversions received", ["outcome"], registry=of)
        self.scores = Counter("trialwise_scores_total", "Scores answered", ["door"], registry=of)
        self.score_seconds = Histogram(
            "trialwise_score_duration_seconds", "Time to compute the scores of a request", ["door"], buckets=BUCKETS, registry=of
        )
        self.requests = Counter("trialwise_http_requests_total", "Requests", ["method", "route", "status"], registry=of)
        self.request_seconds = Histogram(
            "trialwise_http_request_duration_seconds", "Time from request to answer", ["route"], buckets=BUCKETS, registry=of
        )
        self.ledger_lost = Counter("trialwise_ledger_lost_total", "Answers that could not be written to the ledger", registry=of)
        self.model = Gauge("trialwise_model_info", "The model that serves", ["version"], registry=of)
        self.model_stale = Gauge("trialwise_model_stale", "1 while the registry does not answer", registry=of)
        self.model_refused = Counter("trialwise_model_refused_total", "Models that did not pass the checks", registry=of)

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class Measured:
    """Count and time every request by the route that answered it."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note its status."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            route = _route(scope)
            method = (
                scope["method"] if scope["method"] in ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH") else "other"
            )
            self.metrics.requests.labels(method, route, str(status)).inc()
            self.metrics.request_seconds.labels(route).observe(time.perf_counter() - start)


def _route(scope: MutableMapping[str, Any]) -> str:
    return str(getattr(scope.get("route"), "path_format", None) or "unknown")
