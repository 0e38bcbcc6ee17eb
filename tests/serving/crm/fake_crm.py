"""A real HTTP server that speaks the recorded shapes of HubSpot's and Salesforce's APIs, and keeps records in memory.

It is as strict as they are: unknown properties, too many items and unknown ids are refused in their way, partial failures
answer 207 or 200 with a result for each item, and it pages. ``will`` makes the next answers trouble.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "pat-test-4f1c"


@dataclass
class FakeCrm:
    port: int = 0
    properties: dict[str, str] = field(default_factory=dict)
    """Name to type."""
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    bad_values: set[str] = field(default_factory=set)
    """Ids of records that refuse what is written."""
    most: int = 100
    page: int = 1000
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    troubles: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    hidden: bool = False
    """Whether new fields of Salesforce cannot be seen by the token's user."""
    groups: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self, ending: str) -> list[Any]:
        return [body for _, path, body in self.calls if urlsplit(path).path.endswith(ending)]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        parts = urlsplit(path)
        if parts.path.startswith("/crm/v3"):
            return self.hubspot(method, parts.path.removeprefix("/crm/v3"), parse_qs(parts.query), body)
        return self.salesforce(method, parts.path, parse_qs(parts.query), body)

    # HubSpot

    def hubspot(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if (method, path) == ("GET", "/properties/contacts"):
            names = sorted(self.properties)
            start = int(query.get("after", ["0"])[0])
            answer: dict[str, Any] = {
                "results": [{"name": n, "type": self.properties[n]} for n in names[start : start + self.page]]
            }
            if start + self.page < len(names):
                answer["paging"] = {"next": {"after": str(start + self.page)}}
            return 200, answer
        if path == "/properties/contacts/groups":
            if body["name"] in self.groups:
                return 409, {"status": "error", "category": "OBJECT_ALREADY_EXISTS"}
            self.groups.add(body["name"])
            return 201, body
        if path == "/properties/contacts/batch/create":
            for one in body["inputs"]:
                assert one["groupName"] in self.groups
                assert {"name", "label", "type", "fieldType"} <= one.keys()
                self.properties[one["name"]] = one["type"]
            return 201, {"status": "COMPLETE", "results": body["inputs"]}
        inputs = body["inputs"]
        ids = [one["id"] for one in inputs]
        if len(inputs) > self.most or len(set(ids)) != len(ids):
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": f"too many or twice: {ids}"}
        if path == "/objects/contacts/batch/read":
            return self._read(ids, body)
        assert path == "/objects/contacts/batch/update", path
        unknown = {name for one in inputs for name in one["properties"] if name not in self.properties}
        if unknown or any(not isinstance(v, str) for one in inputs for v in one["properties"].values()):
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": f"no such property {unknown}"}
        if refused := [one for one in ids if one in self.bad_values]:
            owner = self.records[refused[0]]["email"]
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": f"{owner} is not valid"}
        gone = [one for one in ids if one not in self.records or self.records[one].get("gone")]
        for one in inputs:
            if one["id"] not in gone:
                self.records[one["id"]].update(one["properties"])
        done = [{"id": one, "properties": {}} for one in ids if one not in gone]
        errors = [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": gone}}]
        return (
            (207, {"status": "COMPLETE", "results": done, "numErrors": 1, "errors": errors}) if gone else (200, {"results": done})
        )

    def _read(self, ids: list[str], body: Any) -> tuple[int, Any]:
        match, found = body["idProperty"], []
        for key, record in self.records.items():
            known = {str(record.get(match, "")).lower(), *str(record.get("hs_additional_emails", "")).lower().split(";")}
            if known & {one.lower() for one in ids}:
                found.append({"id": key, "properties": {name: record.get(name) for name in body["properties"]}})
        missing = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["?"]}}
        return (
            (200, {"results": found})
            if len(found) == len(ids)
            else (207, {"results": found, "numErrors": 1, "errors": [missing]})
        )

    # Salesforce

    def salesforce(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if path == "/services/oauth2/token":
            return 200, {"access_token": TOKEN, "instance_url": self.url, "token_type": "Bearer"}
        root = "/services/data/v62.0"
        assert path.startswith(root), path
        path = path.removeprefix(root)
        if path == "/sobjects/Lead/describe":
            return 200, {"fields": [{"name": name, "type": kind} for name, kind in self.properties.items()]}
        if path == "/tooling/sobjects/CustomField":
            kinds = {"Number": "double", "Text": "string", "LongTextArea": "textarea", "DateTime": "datetime"}
            name = body["FullName"].removeprefix("Lead.")
            if name in self.groups:
                return 400, [{"errorCode": "DUPLICATE_DEVELOPER_NAME", "message": "There is already a field named so"}]
            self.groups.add(name)
            if not self.hidden:
                self.properties[name] = kinds[body["Metadata"]["type"]]
            return 201, {"id": "00N", "success": True, "errors": []}
        if path.startswith("/query"):
            return self._query(path, query)
        assert (method, path) == ("PATCH", "/composite/sobjects"), path
        if len(body["records"]) > 200 or body["allOrNone"]:
            return 400, [{"errorCode": "INVALID_INPUT", "message": "too many"}]
        results = []
        for one in body["records"]:
            assert one["attributes"] == {"type": "Lead"}
            values = {name: value for name, value in one.items() if name not in ("attributes", "id")}
            if one["id"] in self.bad_values:
                error = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "not for ada@acme.com", "fields": []}
                results.append({"success": False, "errors": [error]})
                continue
            assert values.keys() <= self.properties.keys()
            self.records[one["id"]].update(values)
            results.append({"id": one["id"], "success": True, "errors": []})
        return 200, results

    def _query(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if path.startswith("/query/"):
            text, _, start = unquote(path.removeprefix("/query/")).rpartition("-")
        else:
            text, start = query["q"][0], "0"
        said = re.fullmatch(r"SELECT Id, (\w+) FROM Lead WHERE \1 IN \((.*)\) AND IsConverted = false", text)
        assert said, text
        keys = {re.sub(r"\\(.)", r"\1", one).lower() for one in re.findall(r"'((?:[^'\\]|\\.)*)'", said[2])}
        found = [
            {"attributes": {"type": "Lead"}, "Id": key, said[1]: record[said[1]]}
            for key, record in self.records.items()
            if str(record.get(said[1], "")).lower() in keys
        ]
        begin = int(start)
        answer: dict[str, Any] = {"totalSize": len(found), "done": True, "records": found[begin : begin + self.page]}
        if begin + self.page < len(found):
            from urllib.parse import quote

            following = f"/services/data/v62.0/query/{quote(text, safe='')}-{begin + self.page}"
            answer |= {"done": False, "nextRecordsUrl": following}
        return 200, answer


@contextmanager
def running() -> Iterator[FakeCrm]:
    crm, lock = FakeCrm(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            is_json = self.headers.get("content-type") == "application/json"
            body = json.loads(raw) if raw and is_json else raw.decode()
            with lock:
                crm.calls.append((self.command, self.path, body))
                status, headers = crm.troubles.pop(0) if crm.troubles else (0, {})
                if status:
                    answer: Any = {"status": "error", "message": "ada@acme.com", "category": "RATE_LIMITS"}
                elif self.headers.get("authorization") != f"Bearer {TOKEN}" and "oauth2" not in self.path:
                    status, answer = 401, {"category": "INVALID_AUTHENTICATION"}
                else:
                    status, answer = crm.answer(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(data)), "Content-Type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_POST

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        crm.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield crm
        finally:
            server.shutdown()
            thread.join()
