"""Request ids: one name for a request, in its answer, in every log line that it causes, and in its trace.

A caller may bring its own id, if it has the form of one. What is known of a request while it runs is kept in its note, which code
far from the route, and in another thread, finds again through a context variable.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from serving.problems import Problem

if TYPE_CHECKING:
    from serving.overload import Gate

HEADER = b"x-request-id"
_FORM = re.compile(rb"[A-Za-z0-9_-]{8,64}")
"""Room for what proxies make: hex, UUIDs, ULIDs. No address of a person has this form, and no line can end in it."""


@dataclass(slots=True)
class Note:
    """What is known of one request."""

    request_id: str
    key_id: str | None = None
    """Whose it is, once that is decided."""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    """What the answer has to carry beside its own headers."""
    gates: list[Gate] = field(default_factory=list)
    """Where the request takes up room until it is answered."""
    limited: str | None = None
    """The code of the limit that it met."""
    body_bytes: int = 0
    """How much of its body is held."""


_CHANCE = random.Random()  # noqa: S311 # seeded by the system, in every worker anew

NOTE: ContextVar[Note | None] = ContextVar("note", default=None)


def limited(problem: Problem) -> Problem:
    """Note that the running request met a limit, so that it is counted whatever the answer looks like."""
    note = NOTE.get()
    if note is not None:
        note.limited = problem.code
    return problem


def made() -> str:
    """Return a fresh id: a name, not a secret. The system's own randomness takes as long as a fiftieth of a score."""
    return f"{_CHANCE.getrandbits(64):016x}"


def note_of(headers: Iterable[tuple[bytes, bytes]]) -> Note:
    """Return the note of a request that begins, under the id that it brings along, else under a fresh one.

    >>> note_of([(b"x-request-id", b"0af7651916cd43dd")]).request_id
    '0af7651916cd43dd'
    >>> len(note_of([(b"x-request-id", b"ada@example.com")]).request_id)
    16
    """
    for name, value in headers:
        if name == HEADER and _FORM.fullmatch(value) is not None:
            return Note(value.decode("ascii"))
    return Note(made())
