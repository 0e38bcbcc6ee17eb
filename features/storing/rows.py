"""What goes into the store and what comes out: plain rows, each with its two times."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from features.storing.canonical import to_json as to_json  # the other modules of this folder take it from here

Told = Literal["accepted", "duplicate", "conflict", "merge_cycle", "forgotten"]
"""What became of a message: stored, seen before in the same words or in other words, or not stored, since a merge that it means
would lead back to itself, or since its lead was forgotten."""

HEARD = ("track", "page", "screen")
"""The kinds of message that say what a lead did. The others say who it is."""


def digest_of(*parts: object) -> str:
    """Return a short fingerprint of some JSON values: the first 128 bits of SHA-256, in hex.

    >>> digest_of("a", {"b": 1}) == digest_of("a", {"b": 1}) != digest_of("a", {"b": 2})
    True
    """
    return fingerprint(to_json(parts))


def digest_around(before: Sequence[object], written: str, after: Sequence[object]) -> str:
    """Return the fingerprint of values of which the one in the middle is JSON in the store's form already.

    >>> digest_around(["a"], to_json({"b": 1}), [2, None]) == digest_of("a", {"b": 1}, 2, None)
    True
    """
    return fingerprint(f"{to_json(before)[:-1]},{written},{to_json(after)[1:]}")


def fingerprint(text: str) -> str:
    """Return the first 128 bits of a text's SHA-256, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def outcome_id(lead_id: str, at: int | None) -> str:
    """Return the id of a conversion that comes without one: the same payment told twice is one payment."""
    return f"tw-{digest_of(lead_id, at)}"


def contact_id(*parts: object) -> str:
    """Return the id of a contact that comes without one: the same call told twice in the same words is one call."""
    return f"tw-{digest_of(*parts)}"


@dataclass(slots=True)
class Message:
    """One call of an analytics tool, cleaned: an event, or something said about who a lead is.

    Nobody changes one. It is not frozen, since hundreds come in at once, and a frozen one takes three times as long to make.
    """

    message_id: str
    kind: str
    lead_id: str
    name: str
    at: int
    received_at: int
    digest: str
    anonymous_id: str | None = None
    count: int = 1
    properties: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] | None = None
    traits: Mapping[str, Any] = field(default_factory=dict)
    account_id: str | None = None
    merged_from: str | None = None
    origin: str = "live"
    written: str | None = field(default=None, compare=False, repr=False)
    """The properties in the store's form of JSON, where whoever made the message had them at hand."""
    written_context: str | None = field(default=None, compare=False, repr=False)
    """The context likewise."""

    @property
    def known_at(self) -> int:
        """When we could first have used it: never before it happened, never before it arrived."""
        return max(self.at, self.received_at)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One conversion of a lead."""

    outcome_id: str
    lead_id: str
    at: int
    known_at: int
    origin: str = "live"

    @property
    def digest(self) -> str:
        """What a repeat under the same id must say again."""
        return digest_of(self.lead_id, self.at)


@dataclass(frozen=True, slots=True)
class Contact:
    """One time that sales spoke to a lead: which play, how, and what came of it."""

    contact_id: str
    lead_id: str
    at: int
    known_at: int
    play: str | None = None
    channel: str | None = None
    result: str | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What sales found out: need, budget, intent; and the owner to whom the lead was handed over."""

    @property
    def handed_to(self) -> str | None:
        """The new owner, if the lead was handed over."""
        owner = self.notes.get("owner")
        return None if owner is None else str(owner)

    @property
    def body(self) -> str:
        """What a repeat under the same id must say again."""
        said = {"lead_id": self.lead_id, "at": self.at, "play": self.play, "channel": self.channel, "result": self.result}
        return to_json(said | dict(self.notes))


@dataclass(frozen=True, slots=True)
class Refused:
    """One item that was not taken, with the reason, kept for a later replay."""

    door: str
    lead_id: str | None
    code: str
    body: str
    received_at: int


@dataclass(frozen=True, slots=True)
class Fact:
    """A value said about a lead: a trait, a column of a leads table, or a fact such as ``started_at`` in microseconds."""

    lead_id: str
    kind: str
    name: str
    value: Any
    at: int
    known_at: int


@dataclass(slots=True)
class StoredEvent:
    """One event of a lead as the store returns it; the name is as it was sent."""

    name: str
    at: int
    received_at: int
    count: int
    properties: str
    """JSON text: most events have no property that a feature reads, so it is parsed only where one does."""


class Merged(NamedTuple):
    """When an id was merged into another lead, and when that became known."""

    at: int
    known_at: int


@dataclass(slots=True)
class StoredLead:
    """Everything that the store knows about one lead, each list in the order in which it became known."""

    lead_id: str
    known_at: int
    events: list[StoredEvent] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    accounts: list[tuple[str, int]] = field(default_factory=list)
    """Account and when we learnt of it."""
    merged: Merged | None = None
    """When it turned out that this is another lead, if it did."""
    sources: list[tuple[StoredLead, Merged]] = field(default_factory=list)
    """Ids that turned out to be this lead; they may have sources of their own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the ledger: what was answered, to whom, from which inputs."""

    at: int
    door: str
    key_id: str | None
    lead_id: str
    as_of: int | None
    model_version: str
    model_digest: str
    fingerprint: str
    probability: float | None
    stage: str
    inputs: str | None
