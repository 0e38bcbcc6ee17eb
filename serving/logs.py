"""Logs: one line for each thing that happened, on stderr, for people or (TRIALWISE_LOG_FORMAT=json) for machines.

No line holds what a caller sent: routes stand in it as templates, keys and requests by their ids, errors by their kind and place,
since their texts may quote data. Control characters are escaped, so that nothing can begin a line of its own or colour one.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import re
import traceback
from datetime import UTC, datetime
from typing import Any

from uvicorn.config import LOGGING_CONFIG

from features.errors import InputError
from serving.request_ids import NOTE

FORMAT = "TRIALWISE_LOG_FORMAT"
FORMATS = ("text", "json")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What ends a line, moves the cursor or turns the direction of writing; and halves of pairs, which no stream takes."""


class TextLines(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record; the places of an error follow, indented."""
        told = " ".join(f"{name}={value}" for name, value in _told(record).items() if name not in ("method", "route", "status"))
        line = f"{_time(record)} {record.levelname} {record.name} {record.getMessage()}"
        return escaped(f"{line} {told}".rstrip()) + "".join(f"\n    {escaped(place)}" for place in _places(record))


class JsonLines(logging.Formatter):
    """Lines for machines: one JSON object each."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": _time(record), "level": record.levelname.lower(), "logger": record.name,
            "message": escaped(record.getMessage()), **_told(record),
        }  # fmt: skip
        if places := _places(record):
            line["error"] = places
        return json.dumps(line, default=str)


def escaped(text: str) -> str:
    r"""Return a text in which control characters are written out.

    >>> print(escaped("a\r\n\x1b[31mred"))
    a\x0d\x0a\x1b[31mred
    """
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}", text)


def log_format() -> str:
    """Return the format that the environment asks for.

    Raises
    ------
    InputError
        If there is no such format.
    """
    wanted = os.environ.get(FORMAT) or "text"
    if wanted not in FORMATS:
        raise InputError(f"{FORMAT} is not usable", given=wanted, expected=" or ".join(FORMATS), do="correct it")
    return wanted


def log_config() -> dict[str, Any]:
    """Return how everything in the process logs: uvicorn's way, to stderr, in our lines."""
    config = copy.deepcopy(LOGGING_CONFIG)
    lines = "serving.logs.JsonLines" if log_format() == "json" else "serving.logs.TextLines"
    config["formatters"] = {"lines": {"()": lines}}
    config["handlers"] = {"default": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}}
    config["loggers"] = {
        "uvicorn": {"handlers": ["default"], "level": "INFO", "propagate": False},
        "trialwise": {"handlers": ["default"], "level": "INFO", "propagate": False},
    }
    config["root"] = {"handlers": ["default"], "level": "WARNING"}
    return config


def log_briefly() -> None:
    """Leave out of every record what no line of ours tells: where in the code it was made, by which thread, task and process.

    To find that out takes as long as to write the line.
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _told(record: logging.LogRecord) -> dict[str, Any]:
    """Return what belongs to a record beside its sentence."""
    told = dict(getattr(record, "told", {}))
    note = NOTE.get()
    request_id = getattr(record, "request_id", None) or (note.request_id if note is not None else None)
    return {**told, "request_id": request_id} if request_id is not None else told


def _places(record: logging.LogRecord) -> list[str]:
    """Return the kind of an error and the places that it came through, without its text."""
    if not record.exc_info or record.exc_info[0] is None:
        return []
    kind, _, trace = record.exc_info
    return [kind.__name__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace))]
