"""Shapes of what comes in at the ingest doors, as /openapi.json shows them; the doors themselves judge each item on its own."""

from __future__ import annotations

from typing import Any

_CALL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"enum": ["track", "page", "screen", "identify", "group", "alias"]},
        "userId": {"type": "string", "maxLength": 256},
        "anonymousId": {"type": "string", "maxLength": 256},
        "messageId": {"type": "string", "maxLength": 256},
        "event": {"type": "string", "maxLength": 256},
        "name": {"type": "string"},
        "properties": {"type": "object"},
        "traits": {"type": "object"},
        "groupId": {"type": "string"},
        "previousId": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
        "originalTimestamp": {"type": "string", "format": "date-time"},
        "sentAt": {"type": "string", "format": "date-time"},
        "receivedAt": {"type": "string", "format": "date-time", "description": "Respected with an admin key only."},
        "context": {"type": "object"},
        "count": {"type": "integer", "minimum": 1},
    },
}
CALL_BODY = _CALL
BATCH_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {"type": "array", "items": _CALL},
        "context": {"type": "object"},
        "sentAt": {"type": "string", "format": "date-time"},
        "writeKey": {"type": "string"},
    },
}
EVENTS_BODY: dict[str, Any] = {"oneOf": [_CALL, {"type": "array", "items": _CALL}]}
CONVERSIONS_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["conversions"],
    "properties": {
        "conversions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["lead_id", "at"],
                "properties": {
                    "lead_id": {"type": "string", "maxLength": 256},
                    "at": {"type": "string", "format": "date-time"},
                    "id": {"type": "string", "maxLength": 256},
                    "received_at": {"type": "string", "format": "date-time", "description": "Respected with an admin key only."},
                },
            },
        }
    },
}

_CONTACT: dict[str, Any] = {
    "type": "object",
    "required": ["lead_id", "at"],
    "properties": {
        "lead_id": {"type": "string", "maxLength": 256},
        "at": {"type": "string", "format": "date-time"},
        "play": {"type": "string", "maxLength": 256},
        "channel": {"type": "string", "maxLength": 256},
        "result": {"type": "string", "maxLength": 256},
        "need": {"type": ["string", "number", "boolean"]},
        "budget": {"type": ["string", "number", "boolean"]},
        "intent": {"type": ["string", "number", "boolean"]},
        "owner": {"type": "string", "maxLength": 256, "description": "To whom the lead was handed over."},
        "id": {"type": "string", "maxLength": 256},
        "received_at": {"type": "string", "format": "date-time", "description": "Respected with an admin key only."},
    },
}
CONTACTS_BODY: dict[str, Any] = {
    "oneOf": [
        {"type": "object", "required": ["contacts"], "properties": {"contacts": {"type": "array", "items": _CONTACT}}},
        _CONTACT,
    ]
}
_POSTHOG_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["event"],
    "properties": {
        "event": {"type": "string", "maxLength": 256},
        "distinct_id": {"type": "string", "maxLength": 256, "description": "It may stand among the properties."},
        "properties": {"type": "object"},
        "timestamp": {"type": "string", "format": "date-time"},
        "uuid": {"type": "string", "maxLength": 256},
        "$set": {"type": "object"},
        "$set_once": {"type": "object"},
        "api_key": {"type": "string"},
    },
}
POSTHOG_BODY: dict[str, Any] = {
    "oneOf": [
        {
            "type": "object",
            "required": ["batch"],
            "properties": {
                "api_key": {"type": "string"},
                "batch": {"type": "array", "items": _POSTHOG_EVENT},
                "sent_at": {"type": "string", "format": "date-time"},
                "historical_migration": {"type": "boolean", "description": "Respected with an admin key only."},
            },
        },
        _POSTHOG_EVENT,
        {"type": "array", "items": _POSTHOG_EVENT},
    ]
}
