"""Prometheus metrics: how much came in, how much was answered, how fast. No label ever holds what a caller sent.

Of several workers each counts into a file of its own, in the folder that PROMETHEUS_MULTIPROC_DIR names, and whichever is asked
adds all of them up. ``serve --workers`` sees to that.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.request_ids import NOTE

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
LAGS = (0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0, 604_800.0)
METHODS = ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH")

# When a counter was made is nobody's question, and doubles the text.
disable_created_metrics()  # type: ignore[no-untyped-call]

PROTOCOLS = {
    "/v1/score": "score",
    "/v1/leads": "list",
    "/v1/leads/scores": "leads",
    "/v1/leads/{lead_id}/score": "lead",
    "/invocations": "mlflow",
}
"""The routes that answer with scores, by the name of the protocol; those of the Open Inference Protocol are `v2`."""


class Metrics:
    """The metrics of one server process, and through their files of its siblings."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        of = self.registry
        self.events = Counter("trialwise_events_total", "Calls and conversions received", ["outcome"], registry=of)
        self.event_lag = Histogram(
            "trialwise_event_lag_seconds",
            "From when the newest event of a request happened to when it came in",
            buckets=LAGS,
            registry=of,
        )
        self.score_lag = Histogram(
            "trialwise_score_lag_seconds",
            "From when the newest event of a stored lead came in to a score of the lead as of now",
            buckets=LAGS,
            registry=of,
        )
        self.score_requests = Counter(
            "trialwise_score_requests_total", "Requests for scores", ["protocol", "outcome"], registry=of
        )
        self.scores = Counter("trialwise_scores_total", "Scores answered", ["protocol"], registry=of)
        self.score_seconds = Histogram(
            "trialwise_score_duration_seconds",
            "Time to compute the scores of a request",
            ["protocol"],
            buckets=BUCKETS,
            registry=of,
        )
        self.requests = Counter("trialwise_http_requests_total", "Requests", ["method", "route", "status"], registry=of)
        self.request_seconds = Histogram(
            "trialwise_http_request_duration_seconds", "Time from request to answer", ["route"], buckets=BUCKETS, registry=of
        )
        self.refused = Counter(
            "trialwise_refused_requests_total", "Requests refused by a limit, by the code of their problem", ["code"], registry=of
        )
        self.ledger_lost = Counter("trialwise_ledger_lost_total", "Answers that could not be written to the ledger", registry=of)
        self.model = Gauge(
            "trialwise_model_info", "1 for the model that serves", ["version", "alias"], registry=of, multiprocess_mode="livemax"
        )
        self.model_stale = Gauge(
            "trialwise_model_stale", "1 while the registry does not answer", registry=of, multiprocess_mode="livemax"
        )
        self.model_refused = Counter("trialwise_model_refused_total", "Models that did not pass the checks", registry=of)
        self.silent = Gauge(
            "trialwise_behaviour_silent", "1 while a behaviour of the model does not come in any more", ["behaviour"],
            registry=of, multiprocess_mode="livemax",
        )  # fmt: skip
        self.new_names = Gauge(
            "trialwise_new_event_names", "New event names of some volume that nothing maps", registry=of,
            multiprocess_mode="livemax",
        )  # fmt: skip
        self._kept: dict[tuple[str, str, int], tuple[list[Counter], Histogram]] = {}
        self._serving: tuple[str, str] | None = None
        self._followed: list[tuple[Gauge, Callable[[], float]]] = []

    def serves(self, version: str, alias: str = "champion") -> None:
        """Say which version serves from now on. One that served before goes to 0: a file of numbers takes nothing back."""
        if self._serving is not None and self._serving != (version, alias):
            self.model.labels(*self._serving).set(0)
        self._serving = (version, alias)
        self.model.labels(version, alias).set(1)

    def follow(self, gauge: Gauge, value: Callable[[], float]) -> None:
        """Keep a gauge at what a function returns; siblings read it as it was when it was last refreshed."""
        self._followed.append((gauge, value))

    def refresh(self) -> None:
        """Bring the gauges that follow something up to date."""
        for gauge, value in self._followed:
            gauge.set(value())

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = method, route, status
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._of(*key)
        counters, timed = found
        for counter in counters:
            counter.inc()
        timed.observe(seconds)

    def _of(self, method: str, route: str, status: int) -> tuple[list[Counter], Histogram]:
        """Return what counts and times the requests of one kind. To find them by their labels takes longer than to count."""
        counters, protocol = [self.requests.labels(method, route, str(status))], protocol_of(method, route)
        if protocol is not None:
            counters.append(self.score_requests.labels(protocol, outcome_of(status)))
        return counters, self.request_seconds.labels(route)

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        self.refresh()
        folder = os.environ.get(FOLDER)
        if folder is None:
            return generate_latest(self.registry)
        forget_the_dead(Path(folder))
        every = CollectorRegistry()
        multiprocess.MultiProcessCollector(every, folder)  # type: ignore[no-untyped-call]
        return generate_latest(every)


def forget_the_dead(folder: Path) -> None:
    """Leave out what workers say of their present that have no present any more. What they counted stays counted."""
    pids = {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*.db")}
    for pid in pids:
        if not _lives(pid):
            multiprocess.mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def protocol_of(method: str, route: str) -> str | None:
    """Return the protocol of a request for scores, or None if it is for something else.

    >>> protocol_of("POST", "/v1/score"), protocol_of("POST", "/v2/models/{name}/infer"), protocol_of("GET", "/v1/model")
    ('score', 'v2', None)
    """
    if route.startswith("/v2/") and route.endswith("/infer"):
        return "v2"
    return PROTOCOLS.get(route) if method in ("GET", "POST") else None


def outcome_of(status: int) -> str:
    """Return what became of a request, in a word.

    >>> [outcome_of(status) for status in (200, 404, 422, 503, 500)]
    ['ok', 'refused', 'refused', 'unavailable', 'failed']
    """
    if status < 400:
        return "ok"
    if status < 500:
        return "refused"
    return "unavailable" if status == 503 else "failed"


def route_of(scope: Mapping[str, Any]) -> str:
    """Return the template of an address: it says which door was used, and never what stood in the address."""
    return str(getattr(scope.get("route"), "path_format", None) or "unknown")


def method_of(scope: Mapping[str, Any]) -> str:
    """Return the method, or `other`: a method is the caller's own text."""
    return str(scope["method"]) if scope["method"] in METHODS else "other"


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
            self.metrics.observe(method_of(scope), route_of(scope), status, time.perf_counter() - start)
            note = NOTE.get()
            if note is not None and note.limited is not None:
                self.metrics.refused.labels(note.limited).inc()
