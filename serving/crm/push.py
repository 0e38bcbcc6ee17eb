"""The work of ``trialwise push``: score, compare with what was written last, write what has changed, remember it batch by batch.

What is remembered is in the store before the next batch is sent. A push that is cut off has written at most one batch that it
does not remember, which the next one writes again with the same values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from features.clock import now_us
from features.errors import InputError
from features.failpoints import failpoint
from features.store import EventStore
from features.storing.rows import digest_of
from features.workspace import Workspace, load_workspace
from models.batch import phrasing
from models.champion import need_champion
from models.population import Asked, find_population
from serving.crm import hubspot, salesforce
from serving.crm.batches import batches
from serving.crm.calls import Api
from serving.crm.scores import NO_CONTACT, SAME_CONTACT, Row, named, rows_of
from serving.settings import Settings

WAIT_MS = 10_000
LEFT_OUT = frozenset({NO_CONTACT, SAME_CONTACT, hubspot.NO_RECORD, salesforce.SEVERAL})
"""Why a lead has nothing to be written to, which is nobody's failure."""

Say = Callable[[str], None]


class Crm(Protocol):
    """Where scores are written."""

    def prepare(self) -> list[str]:
        """Create the properties that are missing and return their names."""

    def write(self, rows: Any) -> dict[str, str]:
        """Write rows; return the codes of those that were not written."""


@dataclass(frozen=True, slots=True)
class Target:
    """One CRM as the environment and the command line describe it."""

    name: str
    address: str
    object: str
    match: str
    by_email: bool
    batch: int

    def key(self, workspace: str) -> str:
        """Return under what the store remembers what was written here."""
        return f"{self.name}-{digest_of(workspace, self.address, self.object, self.match)[:16]}"


@dataclass(slots=True)
class Outcome:
    """What came of a push."""

    crm: str
    dry_run: bool
    leads: int = 0
    unchanged: int = 0
    written: int = 0
    created: list[str] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    would_write: list[dict[str, Any]] = field(default_factory=list)

    def add(self, codes: dict[str, str]) -> None:
        """Count leads that were not written."""
        for lead_id, code in sorted(codes.items()):
            (self.left_out if code in LEFT_OUT else self.failed).append({"lead_id": lead_id, "code": code})

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; no contact data is part of it."""
        names = ("crm", "dry_run", "leads", "unchanged", "written", "created", "left_out", "failed")
        return {name: getattr(self, name) for name in names} | ({"would_write": self.would_write} if self.dry_run else {})


def run_push(
    path: Path, crm: str, *, dry_run: bool, say: Say, match: str | None = None, object_: str | None = None,
    batch: int | None = None, everything: bool = False, lang: str | None = None,
) -> Outcome:  # fmt: skip
    """Write the scores of the open leads into a CRM, or say what would be written."""
    ws = load_workspace(path)
    phrasing(ws, lang)
    target = _target(crm, match, object_, batch)
    if target.by_email and "email" not in ws.contact:
        raise InputError(
            "the workspace file names no column with addresses", given=f"push {crm} by {target.match}",
            expected="contact: {email: ...}, or --match with the property that holds the lead's id", do="add one of them",
        )  # fmt: skip
    found = None if dry_run else _open(target)
    with _store() as store:
        key = target.key(ws.name)
        before = {} if everything else store.pushed.digests(key)
        rows, left = _rows(ws, store, target, before, lang, say)
        changed = [row for row in rows if before.get(row.lead_id) != row.digest]
        outcome = Outcome(crm, dry_run, leads=len(rows) + len(left), unchanged=len(rows) - len(changed))
        outcome.add(left)
        if found is None:
            outcome.would_write = [
                {"lead_id": row.lead_id, "values": {named(key): value for key, value in row.values.items()}} for row in changed
            ]
        elif changed:
            outcome.created = found.prepare()
            for some in batches(changed, target.batch):
                codes = found.write(some)
                failpoint("push.sent")
                done = [row for row in some if row.lead_id not in codes]
                store.pushed.note(key, {row.lead_id: row.digest for row in done}, now_us())
                failpoint("push.noted")
                outcome.written += len(done)
                outcome.add(codes)
                say(f"{outcome.written:,} of {len(changed):,} written.")
    return outcome


def _rows(
    ws: Workspace, store: EventStore, target: Target, before: dict[str, str], lang: str | None, say: Say
) -> tuple[list[Row], dict[str, str]]:
    champion = need_champion(ws.name)
    who = find_population(ws, Asked(), champion.scorer.definition)
    gone = store.pushed.forgotten(who.tables.leads.ids)
    who = who.rows([place for place, lead_id in enumerate(who.ids) if lead_id not in gone])
    rows, left = rows_of(ws, champion, who, by_email=target.by_email, lang=lang, known=before)
    say(f"{len(rows):,} leads scored by version {champion.ref.version} of {ws.name}.")
    return rows, left


def _target(crm: str, match: str | None, object_: str | None, batch: int | None) -> Target:
    if crm == "hubspot":
        address, usual, most, key = (
            os.environ.get("TRIALWISE_HUBSPOT_URL") or hubspot.ADDRESS,
            hubspot.EMAIL,
            hubspot.MOST,
            "contacts",
        )
        if object_ not in (None, key):
            raise InputError(
                "HubSpot takes scores of contacts only", given=str(object_), expected="contacts", do="leave out --object"
            )
    elif crm == "salesforce":
        address, usual, most = os.environ.get("TRIALWISE_SALESFORCE_URL") or "", salesforce.EMAIL, salesforce.MOST
        key = object_ or "Lead"
    else:
        raise InputError("there is no such CRM", given=crm, expected="hubspot or salesforce", do="choose one of them")
    size = most if batch is None else batch
    if not 1 <= size <= most:
        raise InputError("--batch-size is not usable", given=str(size), expected=f"1 to {most} for {crm}", do="correct it")
    found = match or usual
    return Target(crm, address, key, found, found == usual, size)


def _open(target: Target) -> Crm:
    if target.name == "hubspot":
        return hubspot.HubSpot(Api("HubSpot", target.address, _secret("TRIALWISE_HUBSPOT_TOKEN")), target.match)
    if not target.address:
        raise _unset("TRIALWISE_SALESFORCE_URL", "https://YOUR-DOMAIN.my.salesforce.com")
    token = os.environ.get("TRIALWISE_SALESFORCE_TOKEN")
    if not token:
        secrets = [_secret(f"TRIALWISE_SALESFORCE_CLIENT_{name}") for name in ("ID", "SECRET")]
        token = salesforce.sign_in(target.address, *secrets)
    version = os.environ.get("TRIALWISE_SALESFORCE_API") or salesforce.VERSION
    return salesforce.Salesforce(Api("Salesforce", target.address, token), target.object, target.match, version)


def _secret(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise _unset(name, "a secret, which stands nowhere but in the environment")
    return value


def _unset(name: str, expected: str) -> InputError:
    return InputError(f"{name} is not set", given="nothing", expected=expected, do="set it, or look first with --dry-run")


@contextmanager
def _store() -> Iterator[EventStore]:
    settings = Settings.from_environment()
    store = EventStore(settings.database_url, wait_ms=WAIT_MS)
    try:
        store.migrate()
        store.need_same_secret(settings.secret())
        yield store
    finally:
        store.close()
