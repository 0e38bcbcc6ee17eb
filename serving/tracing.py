"""Tracing: a span of OpenTelemetry for each request, if whoever runs the server has set OpenTelemetry up.

Set up means: the library is installed (the extra ``tracing``), and its own environment names an exporter, as in
``OTEL_TRACES_EXPORTER=otlp``, or ``OTEL_EXPORTER_OTLP_ENDPOINT``; or an agent such as ``opentelemetry-instrument`` has set up a
provider before. A span holds the route's template, the method, the status, the request's id and the key's id, and nothing else:
no address, no text of an error.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from features.errors import InputError
from serving.request_ids import Note

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

EXPORTER, ENDPOINTS = "OTEL_TRACES_EXPORTER", ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_GROUP = "opentelemetry_traces_exporter"
_USUAL_EXPORTER = "otlp_proto_http"
_CARRIED = (b"traceparent", b"tracestate")


class Tracing:
    """Spans around requests."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, headers: Iterable[tuple[bytes, bytes]]) -> Span:
        """Begin the span of a request, within the caller's trace if it names one."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {name.decode("ascii"): value.decode("latin-1") for name, value in headers if name in _CARRIED}
        context = TraceContextTextMapPropagator().extract(carrier) if carrier else None
        return self._tracer.start_span("request", context=context, kind=SpanKind.SERVER)

    def end(self, span: Span, method: str, route: str, status: int, note: Note) -> None:
        """End the span, named by what is known now."""
        from opentelemetry.trace import StatusCode

        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", "_OTHER" if method == "other" else method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        span.set_attribute("trialwise.request_id", note.request_id)
        if note.key_id is not None:
            span.set_attribute("trialwise.key_id", note.key_id)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()


def configured() -> Tracing | None:
    """Return the tracing that the environment asks for, or None if it asks for none.

    Raises
    ------
    InputError
        If it asks for an exporter that is not installed.
    """
    wanted = os.environ.get(EXPORTER) or ("otlp" if any(os.environ.get(name) for name in ENDPOINTS) else None)
    if importlib.util.find_spec("opentelemetry") is None:
        if wanted not in (None, "none"):
            raise _missing(wanted)
        return None
    from opentelemetry import trace

    if wanted not in (None, "none") and type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider":
        trace.set_tracer_provider(_provider(str(wanted)))
    if type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider" or wanted == "none":
        return None
    return Tracing(trace.get_tracer("trialwise"))


def _provider(wanted: str) -> Any:
    """Return a provider with the exporter of a name; its address, headers, sampler and service come from OTEL_ variables."""
    names = (_USUAL_EXPORTER, "otlp_proto_grpc") if wanted == "otlp" else (wanted,)
    found = [one for name in names for one in entry_points(group=_GROUP, name=name)]
    if not found or importlib.util.find_spec("opentelemetry.sdk") is None:
        raise _missing(wanted)
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "trialwise"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(found[0].load()()))
    return provider


def _missing(wanted: str) -> InputError:
    return InputError(
        "traces cannot be sent",
        given=f"the exporter {wanted}",
        expected="an exporter of OpenTelemetry that is installed",
        do="install trialwise[tracing], or unset the OTEL_ variables",
    )
