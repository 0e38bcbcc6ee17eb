"""Errors as RFC 9457 problem JSON: a code that never changes, a sentence that helps, and nothing that the caller sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("trialwise.app")

MEDIA_TYPE = "application/problem+json"
INFERENCE = "/v2"
"""Below this address errors are told as the Open Inference Protocol tells them."""

TITLES: Mapping[str, tuple[int, str]] = {
    "bad_json": (400, "The body is not strict JSON"),
    "bad_encoding": (400, "The body is not what its encoding says"),
    "bad_request": (400, "The request cannot be answered"),
    "unauthorized": (401, "A valid API key is needed"),
    "wrong_scope": (403, "The API key may not do this"),
    "wrong_origin": (403, "Web pages of this origin may not send"),
    "lead_not_found": (404, "No such lead"),
    "not_found": (404, "No such address"),
    "version_not_kept": (404, "No such model version here"),
    "method_not_allowed": (405, "The address does not know this method"),
    "lead_closed": (409, "The lead is not open"),
    "too_large": (413, "The body is too large"),
    "uri_too_long": (414, "The address is too long"),
    "unsupported_media_type": (415, "The content type is not supported"),
    "unsupported_encoding": (415, "The content encoding is not supported"),
    "wrong_host": (421, "The Host is not this server"),
    "invalid_request": (422, "The request does not have the right shape"),
    "invalid_as_of": (422, "The time as_of cannot be used"),
    "invalid_since": (422, "The time since cannot be used"),
    "cannot_happen": (422, "What is imagined cannot happen"),
    "rate_limited": (429, "The API key sends too many requests"),
    "too_many_failures": (429, "Too many requests without a valid API key"),
    "headers_too_large": (431, "The headers are too large"),
    "internal_error": (500, "Something failed inside"),
    "no_model": (503, "No model serves yet"),
    "overloaded": (503, "The server has too much to do"),
    "store_unavailable": (503, "The store is not available"),
}
"""Every code of a problem: its status and its title."""


class Problem(Exception):
    """A request that is answered with a problem."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        self.code = code
        self.status, self.title = TITLES[code]
        self.detail = detail
        self.headers = dict(headers or {})
        self.members: dict[str, Any] = {}
        super().__init__(code)

    def response(self, path: str = "") -> JSONResponse:
        """Return the answer that says this problem to who asked at an address."""
        if path == INFERENCE or path.startswith(f"{INFERENCE}/"):
            return JSONResponse({"error": f"{self.title}. {self.detail}"}, self.status, headers=self.headers)
        body = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail, "code": self.code}
        return JSONResponse(body | self.members, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def retry_later(code: str, detail: str, *, seconds: int = 5) -> Problem:
    """Return a problem that will pass, with the time after which to try again."""
    return Problem(code, detail, headers={"Retry-After": str(seconds)})


class Sealed:
    """Turn whatever fails inside into a problem.

    What the error says may hold the caller's data, so only its kind and place are logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; after a failure answer for it, unless the answer has begun."""
        begun = scope["type"] != "http"

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            if begun:
                raise
            log.error("unexpected %s", type(error).__name__, exc_info=error)
            problem = Problem("internal_error", "The request failed inside; it is safe to try again.")
            await problem.response(scope["path"])(scope, receive, send)
