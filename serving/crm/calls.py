"""Calls of a CRM's API: patient with one that is busy, short with one that refuses.

A status of 429 or 5xx, and a connection that breaks, are tried again, after as long as ``Retry-After`` says or else after 1, 2,
4... seconds. All that is sent may be sent twice: writing the same values again changes nothing. Redirects are not followed, since
the token would go along. Of an answer that is an error only its code in capitals is ever repeated: its text may quote an address.
"""

from __future__ import annotations

import json
import re
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3

from features.errors import InputError, OutsideError

TRIES_AGAIN = 6
LONGEST_WAIT = 300
"""Seconds: a CRM that wants to be left alone for longer has its way in that the push ends and is run again."""
BUSY = (429, 500, 502, 503, 504)
TIMEOUT = urllib3.Timeout(connect=10.0, read=60.0)
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,79}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is neither trouble of the network nor a refusal to speak to us at all."""

    status: int
    body: Any
    """What the JSON says; None where there is none."""

    @property
    def fine(self) -> bool:
        """Tell whether it is a success, at least in part (207)."""
        return 200 <= self.status < 300


class Api:
    """One CRM at one address, with one token."""

    def __init__(self, name: str, base: str, token: str | None = None) -> None:
        self.name = name
        self.base = _address(name, base)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "trialwise"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {_plain(name, token)}"
        again = urllib3.Retry(
            total=TRIES_AGAIN, redirect=False, status_forcelist=BUSY, allowed_methods=None, backoff_factor=1, backoff_max=60,
            backoff_jitter=0.5, retry_after_max=LONGEST_WAIT, raise_on_status=False,
        )  # fmt: skip
        self._pool = urllib3.PoolManager(retries=again, timeout=TIMEOUT, ssl_context=ssl.create_default_context())

    def call(self, method: str, path: str, body: Any = None, *, form: dict[str, str] | None = None) -> Reply:
        """Make one call and return what was answered.

        Raises
        ------
        OutsideError
            There is no connection, the CRM stays busy, or it does not let us in.
        """
        try:
            answer = self._pool.request(method, self.base + path, redirect=False, **self._said(body, form))
        except urllib3.exceptions.HTTPError as trouble:
            raise self.trouble(type(getattr(trouble, "reason", None) or trouble).__name__) from None
        reply = Reply(answer.status, _json(answer.data))
        if reply.status in (401, 403):
            raise self.refused(reply)
        if reply.status in BUSY or 300 <= reply.status < 400:
            raise self.trouble(f"status {reply.status}")
        return reply

    def _said(self, body: Any, form: dict[str, str] | None) -> dict[str, Any]:
        if form is not None:
            kept = {name: text for name, text in self._headers.items() if name != "Content-Type"}
            return {"fields": form, "encode_multipart": False, "headers": kept}
        return {"body": None if body is None else json.dumps(body).encode(), "headers": self._headers}

    def trouble(self, given: str) -> OutsideError:
        """Return that the CRM cannot be spoken to now."""
        do = "run the command again later: it goes on where it stopped"
        return OutsideError(f"{self.name} does not answer as it should", given=given, expected="an answer", do=do)

    def refused(self, reply: Reply) -> OutsideError:
        """Return that the CRM does not let us do what we need."""
        return OutsideError(
            f"{self.name} refuses the call", given=f"status {reply.status} {code_of(reply.body)}",
            expected="a token that is valid and may write records and properties", do="check the token and what it may do",
        )  # fmt: skip


def code_of(body: Any, *, names: tuple[str, ...] = ("category", "errorCode", "statusCode", "error")) -> str:
    """Return the code of an error in a CRM's answer, or ``unknown``: never a sentence, which may quote whom it is about.

    >>> code_of({"category": "VALIDATION_ERROR", "message": "ada@acme.com is not valid"}), code_of([{"errorCode": "x@y"}])
    ('VALIDATION_ERROR', 'unknown')
    """
    first = body[0] if isinstance(body, list) and body else body
    if isinstance(first, dict):
        for name in names:
            if isinstance(found := first.get(name), str) and _CODE.fullmatch(found):
                return found
    return "unknown"


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _address(name: str, base: str) -> str:
    parts = urlsplit(base)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return base.rstrip("/")
    raise InputError(
        f"the address of {name} is not usable", given=parts.scheme or "no scheme", expected="https://...", do="correct it"
    )


def _plain(name: str, token: str) -> str:
    if token.isascii() and token.isprintable() and " " not in token:
        return token
    raise InputError(
        f"the token of {name} is not usable", given="a text with blanks, line ends or other characters that no token has",
        expected="the token and nothing else", do="set it again",
    )  # fmt: skip
