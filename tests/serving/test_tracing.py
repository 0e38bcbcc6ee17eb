"""Tracing: off unless OpenTelemetry is set up; then a span a request, in the caller's trace, without personal data (check 35)."""

from __future__ import annotations

import importlib.util

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from features.errors import InputError
from features.workspace import Workspace
from serving import app as app_module
from serving import tracing
from serving.app import create_app
from serving.settings import Settings
from serving.tracing import Tracing, configured
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (tracing.EXPORTER, *tracing.ENDPOINTS):
        monkeypatch.delenv(name, raising=False)


def test_nothing_is_traced_unless_it_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured() is None
    monkeypatch.setenv(tracing.EXPORTER, "none")
    assert configured() is None


def test_an_exporter_that_is_not_there_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracing.EXPORTER, "nowhere")
    with pytest.raises(InputError, match="traces cannot be sent"):
        configured()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="traces cannot be sent"):
        configured()
    monkeypatch.delenv(tracing.EXPORTER)
    assert configured() is None


def test_the_environment_sets_a_provider_up(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[TracerProvider] = []
    proxy = trace.ProxyTracerProvider()
    monkeypatch.setattr(trace, "set_tracer_provider", given.append)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: given[0] if given else proxy)
    monkeypatch.setattr(trace, "get_tracer", lambda name: given[0].get_tracer(name))
    monkeypatch.setenv(tracing.EXPORTER, "console")
    assert isinstance(configured(), Tracing)
    assert given[0].resource.attributes["service.name"] == "trialwise"
    given[0].shutdown()


def test_a_span_says_what_was_asked_and_not_by_whom(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(app_module, "configured", lambda: Tracing(provider.get_tracer("test")))
    app = create_app(workspace, settings, source=registry)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        sent = {"traceparent": parent, "X-Request-Id": "request-9", "baggage": "mail=ada@example.com"}
        client.get("/v1/leads/ada@example.com/features?as_of=ada", headers=sent)
        monkeypatch.setattr(app_module.EventStore, "lead", lambda *_: 1 / 0)
        client.get("/v1/leads/ada@example.com/features")
    refused, failed = exporter.get_finished_spans()
    assert refused.name == "GET /v1/leads/{lead_id}/features"
    assert refused.attributes == {
        "http.request.method": "GET", "http.route": "/v1/leads/{lead_id}/features", "http.response.status_code": 422,
        "trialwise.request_id": "request-9",
    }  # fmt: skip
    assert refused.context is not None
    assert format(refused.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
    assert (refused.status.is_ok, failed.status.is_ok) == (True, False)
    assert "ada" not in refused.to_json() + failed.to_json()
    assert failed.events == ()
