"""HubSpot, CRM API v3: contacts are found by a property that is theirs alone, then updated by id.

The batch call that updates refuses ``email`` as the key of its items where the account does not treat it as unique, so records
are looked up first (``batch/read``, which knows every address of a contact) and written by id. Property values travel as texts,
and the empty text clears one. Answers with status 207 succeed in part; the errors name ids in their ``context``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from features.errors import StoppedError
from serving.crm.batches import halving
from serving.crm.calls import Api, Reply, code_of
from serving.crm.scores import PROPERTIES, Property, Row, Value, named

ADDRESS = "https://api.hubapi.com"
MOST = 100
"""Records in one call."""
EMAIL = "email"
GROUP = "trialwise"
NO_RECORD, UNANSWERED = "no_record", "unanswered"

_TYPES = {
    "number": ("number", "number"),
    "text": ("string", "text"),
    "long_text": ("string", "textarea"),
    "time": ("datetime", "date"),
}


class HubSpot:
    """The contacts of one HubSpot account.

    Parameters
    ----------
    match
        The property that finds a contact: ``email``, or one of unique values that holds the lead's id.
    """

    def __init__(self, api: Api, match: str = EMAIL) -> None:
        self._api = api
        self._match = match

    def prepare(self) -> list[str]:
        """Create those of our properties that are missing, and return their names.

        Raises
        ------
        StoppedError
            A property of that name is there and of another type.
        """
        there = self._properties()
        for one in PROPERTIES:
            kind = there.get(one.name)
            if kind is not None and kind != _TYPES[one.kind][0]:
                raise StoppedError(
                    f"the property {one.name} in HubSpot is of another type", given=kind, expected=_TYPES[one.kind][0],
                    do="archive it there, and it is made anew",
                )  # fmt: skip
        missing = [one for one in PROPERTIES if one.name not in there]
        if missing:
            self._create(missing)
        return [one.name for one in missing]

    def write(self, rows: Sequence[Row]) -> dict[str, str]:
        """Write a batch of rows; return the code of each that was not written, by lead id."""
        ids, failed = self._find(rows)
        found = [(row, ids[row.key]) for row in rows if row.key in ids]
        failed |= {row.lead_id: NO_RECORD for row in rows if row.key not in ids and row.lead_id not in failed}

        def send(some: Sequence[tuple[Row, str]]) -> str | None:
            inputs = [
                {
                    "id": one,
                    "properties": {named(key): _text(value) for key, value in row.values.items()},
                    "objectWriteTraceId": one,
                }
                for row, one in some
            ]
            reply = self._api.call("POST", "/crm/v3/objects/contacts/batch/update", {"inputs": inputs})
            if not reply.fine:
                return code_of(reply.body)
            done, wrong = _told(reply)
            failed.update({row.lead_id: wrong.get(one, UNANSWERED) for row, one in some if one not in done})
            return None

        return failed | {row.lead_id: code for (row, _), code in halving(found, send)}

    def _properties(self) -> dict[str, str]:
        there: dict[str, str] = {}
        after = ""
        while True:
            reply = self._api.call("GET", f"/crm/v3/properties/contacts?archived=false{after}")
            if not reply.fine or not isinstance(reply.body, dict):
                raise self._api.refused(reply)
            there |= {one["name"]: one["type"] for one in reply.body["results"]}
            following = ((reply.body.get("paging") or {}).get("next") or {}).get("after")
            if following is None:
                return there
            after = f"&after={following}"

    def _create(self, missing: Sequence[Property]) -> None:
        group = self._api.call("POST", "/crm/v3/properties/contacts/groups", {"name": GROUP, "label": "Trialwise"})
        if not group.fine and group.status != 409:  # it is there
            raise self._api.refused(group)
        inputs = [
            {
                "name": one.name, "label": one.label, "description": one.meaning, "groupName": GROUP,
                "type": _TYPES[one.kind][0], "fieldType": _TYPES[one.kind][1],
            }
            for one in missing
        ]  # fmt: skip
        made = self._api.call("POST", "/crm/v3/properties/contacts/batch/create", {"inputs": inputs})
        if not made.fine or (isinstance(made.body, dict) and made.body.get("numErrors")):
            there = self._properties()  # a call that was made twice, or by two, finds them there
            if any(one.name not in there for one in missing):
                raise self._api.refused(made)

    def _find(self, rows: Sequence[Row]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the ids of the contacts by key, and the codes of the leads that could not even be asked for."""
        ids: dict[str, str] = {}
        properties = [self._match, "hs_additional_emails"] if self._match == EMAIL else [self._match]

        def send(some: Sequence[Row]) -> str | None:
            body = {"idProperty": self._match, "properties": properties, "inputs": [{"id": row.key} for row in some]}
            reply = self._api.call("POST", "/crm/v3/objects/contacts/batch/read", body)
            if not reply.fine:
                return code_of(reply.body)
            for one in reply.body.get("results", ()):
                for key in _keys(one.get("properties") or {}, self._match):
                    ids[key] = str(one["id"])
            return None

        return ids, {row.lead_id: code for row, code in halving(rows, send)}


def _keys(properties: Mapping[str, Any], match: str) -> list[str]:
    """Return all that finds a contact: other addresses of it do as well as the first."""
    if match != EMAIL:
        return [str(properties.get(match) or "")]
    texts = [properties.get(EMAIL) or "", *(properties.get("hs_additional_emails") or "").split(";")]
    return [str(text).strip().lower() for text in texts]


def _told(reply: Reply) -> tuple[set[str], dict[str, str]]:
    """Return which ids were written, and the codes of those that an error names."""
    done = {str(one["id"]) for one in reply.body.get("results", ())}
    wrong: dict[str, str] = {}
    for error in reply.body.get("errors") or ():
        context = error.get("context") or {}
        for name in ("ids", "id", "objectWriteTraceId"):
            told = context.get(name) or ()
            wrong |= {str(one): code_of(error) for one in ([told] if isinstance(told, str) else told)}
    return done, wrong


def _text(value: Value) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else value
