"""What endpoints are told: bodies of Standard Webhooks or CloudEvents, and the signature over them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from features.clock import format_us
from features.storing.lead_states import LeadState, Message, Transition
from features.storing.rows import Contact, digest_of
from serving.webhook_endpoints import Endpoint

STAGE, GRADE, HANDED_OVER = "lead.stage_changed", "lead.grade_changed", "lead.handed_over"
TEST = "webhook.test"
MOST_BYTES = 20_000


def messages_of(
    transition: Transition, record: Mapping[str, Any], endpoints: Sequence[Endpoint], source: str
) -> Iterator[Message]:
    """Yield what endpoints are told of a change; each message has an id that every attempt repeats."""
    for endpoint in endpoints:
        for kind, before, after in (
            (STAGE, transition.from_stage, transition.to_stage),
            (GRADE, transition.from_grade, transition.to_grade),
        ):
            if before != after and kind.removeprefix("lead.").removesuffix("_changed") in endpoint.on:
                message_id = f"msg_{digest_of(transition.transition_id, endpoint.name, kind)}"
                data = _data(transition, record, before, after)
                body = body_of(endpoint, message_id, kind, transition.at, data, source)
                yield Message(message_id, transition.transition_id, endpoint.name, kind, transition.lead_id, body, transition.at)


def handed_over(contact: Contact, state: LeadState | None, endpoints: Sequence[Endpoint], source: str) -> Iterator[Message]:
    """Yield what endpoints are told of a lead that a contact handed over to an owner."""
    change_id = f"contact-{digest_of(contact.contact_id)}"
    data = {
        "lead_id": contact.lead_id,
        "change_id": change_id,
        "contact_id": contact.contact_id,
        "owner": contact.handed_to,
        "at": format_us(contact.at),
        "play": contact.play,
        "channel": contact.channel,
        "result": contact.result,
        **{name: contact.notes.get(name) for name in ("need", "budget", "intent")},
        "stage": state.stage if state else None,
        "grade": state.grade if state else None,
    }
    for endpoint in endpoints:
        if "handed_over" in endpoint.on and contact.handed_to is not None:
            message_id = f"msg_{digest_of(change_id, endpoint.name, HANDED_OVER)}"
            body = body_of(endpoint, message_id, HANDED_OVER, contact.known_at, data, source)
            yield Message(message_id, change_id, endpoint.name, HANDED_OVER, contact.lead_id, body, contact.known_at)


def _data(transition: Transition, record: Mapping[str, Any], before: str | None, after: str | None) -> dict[str, Any]:
    return {
        "lead_id": transition.lead_id,
        "change_id": transition.transition_id,
        "from": before,
        "to": after,
        "stage": transition.to_stage,
        "grade": transition.to_grade,
        "probability": transition.probability,
        "percentile": record["percentile"],
        "horizon_days": record["horizon_days"],
        "as_of": record["as_of"],
        "evidence": json.loads(transition.evidence),
        "model": record["model"],
    }


def body_of(endpoint: Endpoint, message_id: str, kind: str, at: int, data: Mapping[str, Any], source: str) -> str:
    """Return a body; one that would become too long leaves its evidence behind."""
    text = _body(endpoint, message_id, kind, at, data, source)
    if len(text.encode()) < MOST_BYTES:
        return text
    return _body(endpoint, message_id, kind, at, dict(data) | {"evidence": None}, source)


def _body(endpoint: Endpoint, message_id: str, kind: str, at: int, data: Mapping[str, Any], source: str) -> str:
    if not endpoint.cloud_events:
        return json.dumps({"type": kind, "timestamp": format_us(at), "data": data}, ensure_ascii=False, allow_nan=False)
    event = {
        "specversion": "1.0",
        "id": message_id,
        "source": f"/trialwise/{source}",
        "type": kind,
        "time": format_us(at),
        "datacontenttype": "application/json",
        "data": data,
    }
    if "lead_id" in data:
        event["subject"] = data["lead_id"]
    return json.dumps(event, ensure_ascii=False, allow_nan=False)


def headers_of(endpoint: Endpoint, message_id: str, body: bytes, seconds: int) -> dict[str, str]:
    """Return the headers of an attempt at a time of the unix clock, signed with every secret that the endpoint has."""
    signed = b".".join((message_id.encode(), str(seconds).encode(), body))
    signatures = (base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in endpoint.secrets)
    return {
        "Content-Type": "application/cloudevents+json" if endpoint.cloud_events else "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }
