"""What PostHog's clients put into a body: JSON, gzip that may not say so, and from pages that are left, a form."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from serving.browsers import from_page
from serving.guards import POSTHOG_LIMIT, counted, inflate, media_type, parsed
from serving.problems import Problem

GZIP = b"\x1f\x8b"
FORM = "application/x-www-form-urlencoded"
FROM_PAGES = ("text/plain", FORM)


async def read_body(request: Request) -> Any:
    """Return the value that a body holds, however it is wrapped; nothing grows over the limit on the way."""
    found = media_type(request)
    if found != "application/json" and not (from_page(request) and found in FROM_PAGES):
        raise Problem("unsupported_media_type", "Send Content-Type: application/json.")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    compression = request.query_params.get("compression", "").lower()
    if encoding not in ("identity", "gzip") or compression not in ("", "gzip", "gzip-js", "base64"):
        raise Problem("unsupported_encoding", "This address takes gzip or plain bodies.")
    data = await counted(request, POSTHOG_LIMIT)
    # The client for browsers compresses without a word: a header would make the browser ask before each request.
    if encoding == "gzip" or compression.startswith("gzip") or data.startswith(GZIP):
        data = await run_in_threadpool(inflate, data, POSTHOG_LIMIT)
    elif found == FORM:
        data = await run_in_threadpool(_of_form, data, compression == "base64")
    return await parsed(data, POSTHOG_LIMIT)


def _of_form(data: bytes, is_base64: bool) -> bytes:
    """Return the field ``data`` of a form."""
    try:
        (text,) = parse_qs(data.decode("ascii"), max_num_fields=10, strict_parsing=True)["data"]
        if is_base64:
            return base64.b64decode(text.replace(" ", "+"), validate=True)
    except (KeyError, ValueError, binascii.Error):
        raise Problem("bad_encoding", "The form must have one field, data.") from None
    return text.encode()
