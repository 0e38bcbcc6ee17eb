"""Salesforce, REST API: records are found by a query, then updated by id through sObject Collections.

A collection answers 200 even where items fail, one result for each in the order sent. New fields are made through the Tooling
API; who may see and write them is the administrator's to say (field-level security), so a field that is there and cannot be seen
ends the push with the one sentence that helps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from features.errors import InputError, OutsideError, StoppedError
from serving.crm.batches import halving
from serving.crm.calls import Api, code_of
from serving.crm.hubspot import NO_RECORD, UNANSWERED
from serving.crm.scores import PROPERTIES, Kind, Row, named

VERSION = "62.0"
"""Of the API, old enough for every organisation of today."""
MOST = 200
"""Records in one call."""
EMAIL = "Email"
SEVERAL = "several_records"
QUERY_LENGTH = 6000
"""Characters of a query in an address; 16 kB are the most that Salesforce takes."""

_METADATA: dict[Kind, dict[str, Any]] = {
    "number": {"type": "Number", "precision": 5, "scale": 4},
    "text": {"type": "Text", "length": 40},
    "long_text": {"type": "LongTextArea", "length": 4000, "visibleLines": 4},
    "time": {"type": "DateTime"},
}
_TYPES = {"number": "double", "text": "string", "long_text": "textarea", "time": "datetime"}
_THERE = ("DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE")


def sign_in(base: str, client_id: str, client_secret: str) -> str:
    """Return a token for the client credentials of an external client app."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    reply = Api("Salesforce", base).call("POST", "/services/oauth2/token", form=form)
    token = reply.body.get("access_token") if isinstance(reply.body, dict) else None
    if not reply.fine or not isinstance(token, str):
        raise OutsideError(
            "Salesforce gives no token", given=f"status {reply.status}", expected="the credentials of an app",
            do="check TRIALWISE_SALESFORCE_CLIENT_ID and TRIALWISE_SALESFORCE_CLIENT_SECRET",
        )  # fmt: skip
    return token


class Salesforce:
    """The leads, or another object, of one Salesforce organisation.

    Parameters
    ----------
    match
        The field that finds a record: ``Email``, or one that holds the lead's id.
    """

    def __init__(self, api: Api, object_: str = "Lead", match: str = EMAIL, version: str = VERSION) -> None:
        for word in (object_, match):
            if not (word.isascii() and word.isidentifier()):
                raise InputError(
                    "this is no name in Salesforce", given=word, expected="an API name such as Lead or Email", do="correct it"
                )
        self._api = api
        self._object = object_
        self._match = match
        self._root = f"/services/data/v{version}"

    def prepare(self) -> list[str]:
        """Create those of our fields that are missing, and return their names.

        Raises
        ------
        StoppedError
            A field is of another type, or there and not to be seen with this token.
        """
        there = self._fields()
        missing = [one for one in PROPERTIES if field_of(one.name) not in there]
        for one in missing:
            metadata = _METADATA[one.kind] | {"label": one.label, "description": one.meaning, "required": False}
            body = {"FullName": f"{self._object}.{field_of(one.name)}", "Metadata": metadata}
            reply = self._api.call("POST", f"{self._root}/tooling/sobjects/CustomField", body)
            if not reply.fine and code_of(reply.body) not in _THERE:
                raise self._api.refused(reply)
        there = self._fields() if missing else there
        for one in PROPERTIES:
            kind = there.get(field_of(one.name))
            if kind is None:
                raise StoppedError(
                    f"the field {field_of(one.name)} of {self._object} is there and cannot be seen", given="this token's user",
                    expected="field-level security that lets it read and edit our fields",
                    do="add them to a permission set of that user, then run the command again",
                )  # fmt: skip
            if kind != _TYPES[one.kind]:
                raise StoppedError(
                    f"the field {field_of(one.name)} in Salesforce is of another type", given=kind, expected=_TYPES[one.kind],
                    do="delete it there, and it is made anew",
                )  # fmt: skip
        return [field_of(one.name) for one in missing]

    def write(self, rows: Sequence[Row]) -> dict[str, str]:
        """Write a batch of rows; return the code of each that was not written, by lead id."""
        ids = self._find(rows)
        failed = {row.lead_id: SEVERAL if ids.get(row.key) else NO_RECORD for row in rows if len(ids.get(row.key, ())) != 1}
        found = [(row, next(iter(ids[row.key]))) for row in rows if row.lead_id not in failed]

        def send(some: Sequence[tuple[Row, str]]) -> str | None:
            records = [
                {"attributes": {"type": self._object}, "id": one}
                | {field_of(named(key)): value for key, value in row.values.items()}
                for row, one in some
            ]
            body = {"allOrNone": False, "records": records}
            reply = self._api.call("PATCH", f"{self._root}/composite/sobjects", body)
            if not reply.fine or not isinstance(reply.body, list):
                return code_of(reply.body)
            told = [*reply.body, *[{}] * (len(some) - len(reply.body))]
            for (row, _), result in zip(some, told, strict=False):
                if result.get("success") is not True:
                    failed[row.lead_id] = code_of(result.get("errors")) if result else UNANSWERED
            return None

        return failed | {row.lead_id: code for (row, _), code in halving(found, send)}

    def _fields(self) -> dict[str, str]:
        reply = self._api.call("GET", f"{self._root}/sobjects/{self._object}/describe")
        if not reply.fine or not isinstance(reply.body, dict):
            raise self._api.refused(reply)
        return {one["name"]: one["type"] for one in reply.body["fields"]}

    def _find(self, rows: Sequence[Row]) -> dict[str, set[str]]:
        """Return the ids of the records by key; a lead that was converted is a record of the past."""
        only = " AND IsConverted = false" if self._object == "Lead" else ""
        found: dict[str, set[str]] = {}
        for keys in _in_pieces([_quoted(row.key) for row in rows]):
            query = f"SELECT Id, {self._match} FROM {self._object} WHERE {self._match} IN ({','.join(keys)}){only}"  # noqa: S608  (names are checked, texts quoted)
            path: str | None = f"{self._root}/query?q={quote(query)}"
            while path is not None:
                reply = self._api.call("GET", path)
                if not reply.fine or not isinstance(reply.body, dict):
                    raise self._api.refused(reply)
                for record in reply.body["records"]:
                    key = str(record[self._match])
                    found.setdefault(key.lower() if self._match == EMAIL else key, set()).add(record["Id"])
                path = reply.body.get("nextRecordsUrl")
        return found


def field_of(name: str) -> str:
    """Return the API name of a property of ours: custom fields end so."""
    return f"{name}__c"


def _quoted(text: str) -> str:
    r"""Return a text as SOQL has it.

    >>> print(_quoted("o'neil\\"))
    'o\'neil\\'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"


def _in_pieces(words: Sequence[str]) -> Iterator[list[str]]:
    piece: list[str] = []
    length = 0
    for word in words:
        size = len(quote(word)) + 3
        if piece and length + size > QUERY_LENGTH:
            yield piece
            piece, length = [], 0
        piece.append(word)
        length += size
    if piece:
        yield piece
