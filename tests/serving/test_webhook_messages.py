"""Endpoints as the workspace file names them, and what they are told (check 38)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from features.errors import InputError
from features.storing.lead_states import Transition
from features.workspace import Workspace
from serving.guarded_connect import Trust
from serving.webhook_endpoints import Endpoint, endpoints_of
from serving.webhook_messages import MOST_BYTES, headers_of, messages_of
from tests.serving.receiver import KEY, SECRET, Post

CHANGE = Transition("t1", "lead/ğ", 1_778_144_400_000_000, "lead", "pql", None, "A", 0.25, "3", "d", '{"reasons":[],"rule":{}}')
RECORD = {"percentile": 91.5, "horizon_days": 30, "as_of": "2026-05-07T09:00:00.000000Z", "model": {"version": "3"}}


def endpoints(**hooks: dict[str, Any]) -> tuple[Endpoint, ...]:
    hooks = {name: {"url": "https://crm.example/hook", "secret": SECRET} | hook for name, hook in hooks.items()}
    workspace = Workspace.model_validate({"name": "acme", "data": {"events": {"source": "e.csv"}}, "webhooks": hooks})
    return endpoints_of(workspace, Trust())


def test_what_an_endpoint_is() -> None:
    (one,) = endpoints(crm={"url": "https://CRM.example:8443/hook?a=b", "on": ("stage", "grade")})
    assert (one.host, one.port, one.target, one.authority) == ("crm.example", 8443, "/hook?a=b", "crm.example:8443")
    assert (one.secrets, one.on, one.secure, one.cloud_events) == ((KEY,), ("stage", "grade"), True, False)
    assert "hook" not in repr(one)
    (other,) = endpoints(crm={"url": "https://[2606:4700::1]"})
    assert (other.target, other.authority, other.port) == ("/", "[2606:4700::1]", 443)
    assert other.address != one.address


@pytest.mark.parametrize(
    "secret",
    [None, "hunter2", "whsec_", "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_" + base64.b64encode(b"x" * 65).decode(),
     base64.b64encode(b"x" * 32).decode(), f"{SECRET} hunter2", "whsec_!" + "A" * 43],
)  # fmt: skip
def test_secrets_that_do_not_sign(secret: str | None) -> None:
    with pytest.raises(InputError) as refusal:
        endpoints(crm={"secret": secret})
    assert "webhook 'crm' cannot be used" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_each_endpoint_is_told_what_it_asked_for_under_its_own_ids() -> None:
    found = list(
        messages_of(CHANGE, RECORD, endpoints(a={}, b={"on": ("grade", "handed_over")}, c={"on": ("stage", "grade")}), "acme")
    )
    assert [(one.endpoint, one.kind) for one in found] == [
        ("a", "lead.stage_changed"), ("b", "lead.grade_changed"), ("c", "lead.stage_changed"), ("c", "lead.grade_changed"),
    ]  # fmt: skip
    assert len({one.message_id for one in found}) == 4
    assert all(one.message_id.startswith("msg_") and one.lead_id == "lead/ğ" for one in found)
    body = json.loads(found[0].body)
    assert (body["type"], body["timestamp"], body["data"]["from"], body["data"]["to"]) == (
        "lead.stage_changed", "2026-05-07T09:00:00.000000Z", "lead", "pql",
    )  # fmt: skip
    assert body["data"] | RECORD == body["data"]
    assert json.loads(found[1].body)["data"]["from"] is None


def test_what_did_not_change_is_not_told() -> None:
    same = Transition("t2", "a", 5, "lead", "pql", "A", "A", 0.25, "3", "d", "{}")
    assert [one.kind for one in messages_of(same, RECORD, endpoints(c={"on": ("stage", "grade")}), "acme")] == [
        "lead.stage_changed"
    ]


def test_cloud_events() -> None:
    (one,) = endpoints(crm={"format": "cloudevents"})
    (message,) = messages_of(CHANGE, RECORD, [one], "acme")
    event = json.loads(message.body)
    assert {key: event[key] for key in ("specversion", "id", "source", "type", "subject", "time", "datacontenttype")} == {
        "specversion": "1.0", "id": message.message_id, "source": "/trialwise/acme", "type": "lead.stage_changed",
        "subject": "lead/ğ", "time": "2026-05-07T09:00:00.000000Z", "datacontenttype": "application/json",
    }  # fmt: skip
    assert headers_of(one, "msg_1", b"{}", 5)["Content-Type"] == "application/cloudevents+json"


def test_a_body_that_would_be_too_long_leaves_its_evidence_behind() -> None:
    long = Transition("t3", "a", 5, "lead", "pql", None, None, 0.25, "3", "d", json.dumps({"reasons": ["ğ" * 15_000]}))
    (message,) = messages_of(long, RECORD, endpoints(crm={}), "acme")
    assert len(message.body.encode()) < MOST_BYTES
    assert json.loads(message.body)["data"]["evidence"] is None


def test_signatures_by_the_specification_with_every_secret() -> None:
    new = bytes(range(1, 25))
    (one,) = endpoints(crm={"secret": f"{SECRET} whsec_{base64.b64encode(new).decode()}"})
    headers = {name.lower(): value for name, value in headers_of(one, "msg_1", b'{"a":1}', 1_700_000_000).items()}
    for key in (KEY, new):
        Post("/", headers, b'{"a":1}').verify(key, now=1_700_000_000)
    for forged in (Post("/", headers, b'{"a":2}'), Post("/", headers | {"webhook-id": "msg_2"}, b'{"a":1}')):
        with pytest.raises(AssertionError, match="forged"):
            forged.verify(now=1_700_000_000)


def test_the_published_example_of_the_specification() -> None:
    """The one test vector that Standard Webhooks' own libraries share."""
    (one,) = endpoints(crm={"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    headers = headers_of(one, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
