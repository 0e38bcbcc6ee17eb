"""Access: who asks, and may they? Decided from a list of keys that is never older than a few seconds."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass

from features.store import EventStore
from features.storing.engine import StoreUnavailable
from serving.api_keys import SCOPES, is_well_formed, keyed_digest
from serving.limits import Limits
from serving.problems import Problem
from serving.rate_limits import FailedLogins, KeyRates, refused, told
from serving.request_ids import NOTE

FRESH_SECONDS = 2.0
"""How long the list of keys is used before it is read again: a revoked key is refused within this time."""

SUFFICES = {
    "page": frozenset({"page", "ingest", "admin"}),
    "ingest": frozenset({"ingest", "admin"}),
    "score": frozenset({"score", "admin"}),
    "admin": frozenset({"admin"}),
}
"""Which scopes let somebody in at a door, by the least of them."""

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="trialwise"'}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the id of the key, and what it may do."""

    key_id: str | None
    scopes: frozenset[str]

    @property
    def is_admin(self) -> bool:
        """Tell whether the caller may state when something was received."""
        return "admin" in self.scopes

    @property
    def is_page(self) -> bool:
        """Tell whether the key may lie open in a web page, so that anybody may be the caller."""
        return not self.scopes & SUFFICES["ingest"]


ANYBODY = Caller(None, frozenset(SCOPES))
"""The caller of an open server, which only loopback reaches."""


class Access:
    """Decide about callers, from a list of keys that is never older than `FRESH_SECONDS`, and about how often they may ask."""

    def __init__(self, store: EventStore, secret: bytes, *, open_to_all: bool, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self._store = store
        self._secret = secret
        self._open = open_to_all
        self._known: dict[str, Caller] = {}
        self._read_at = -1e9
        self._rates = KeyRates(limits.rate, limits.burst)
        self._failed = FailedLogins(limits.failed_logins)

    def caller(self, authorization: str | None, written: str | None, scope: str, address: str = "") -> Caller:
        """Return who asks, or raise the problem: no valid key at all, one without the scope, too much of either.

        ``authorization`` is the header, ``written`` the key that the body carries; the header wins. Whoever failed too often
        from an ``address`` is refused before the key is looked up.
        """
        if self._open:
            return ANYBODY
        self._failed.check(address)
        caller = self._find(token_of(authorization) if authorization is not None else written)
        if caller is None:
            self._failed.note(address)
            raise Problem("unauthorized", "Send a valid key as Authorization: Bearer KEY.", headers=_CHALLENGE)
        self._count(caller)
        if not caller.scopes & SUFFICES[scope]:
            raise Problem("wrong_scope", f"This address needs a key of scope {'ingest or page' if scope == 'page' else scope}.")
        return caller

    def _count(self, caller: Caller) -> None:
        """Take one request from what the key may do, and let the answer say what is left."""
        if caller.key_id is None:
            return
        allowance = self._rates.take(caller.key_id)
        note = NOTE.get()
        if note is not None:
            note.key_id = caller.key_id
        if allowance.retry_in > 0:
            raise refused(allowance)
        if note is not None:
            note.headers = told(allowance.headers())

    @property
    def is_stale(self) -> bool:
        """Tell whether the list of keys has to be read again before the next decision."""
        return not self._open and time.monotonic() - self._read_at > FRESH_SECONDS

    def refresh(self) -> None:
        """Read the list of keys again. While the store does not answer, the last list stays in force."""
        try:
            rows = self._store.keys.all()
        except StoreUnavailable:
            if self._read_at < 0:
                raise
        else:
            self._known = {row.digest: Caller(row.key_id, frozenset(row.scopes)) for row in rows if row.revoked_at is None}
        self._read_at = time.monotonic()

    def _find(self, key: str | None) -> Caller | None:
        # Every text is hashed, the malformed ones too: how long a refusal takes says nothing about why.
        text = key if key is not None and len(key) <= 200 else ""
        digest = keyed_digest(self._secret, text.encode("utf-8", "replace").decode("utf-8"))
        found = self._known.get(digest)
        return found if is_well_formed(text) else None


def token_of(authorization: str) -> str | None:
    """Return the key in an Authorization header: a Bearer token, or a Basic user name with an empty password.

    >>> token_of("Bearer tw_1"), token_of("Basic dHdfMTo=")
    ('tw_1', 'tw_1')
    """
    kind, _, rest = authorization.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode("ascii").partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None
