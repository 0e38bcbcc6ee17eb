"""Bodies of features as bytes: their type among those that a door takes, never encoded, counted while they arrive."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request

from serving.guards import SCORE_LIMIT, counted, media_type
from serving.problems import Problem

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"


async def score_body(request: Request, forms: Collection[str]) -> tuple[str, bytes]:
    """Return the type of a body and the body itself, or raise the problem."""
    form = media_type(request)
    if form not in forms or _charset(request) != "utf-8":
        told = ", ".join(one for one in forms if one)
        raise Problem("unsupported_media_type", f"Send one of {told}, in UTF-8.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem("unsupported_encoding", "This address takes plain bodies.")
    return form, await counted(request, SCORE_LIMIT)


def _charset(request: Request) -> str:
    """Return the charset that the content type names; some clients name one."""
    rest = request.headers.get("content-type", "").lower().split(";")[1:]
    named = [part.partition("=")[2].strip(' "') for part in rest if part.strip().startswith("charset")]
    return named[0] if named else "utf-8"
