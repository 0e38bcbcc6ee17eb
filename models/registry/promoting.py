"""Promoting: how a version becomes champion, so that a process killed at any write leaves the champion before or the one after.

The order of the writes is the whole idea. First the signature; then the intent, on the registered model; then the alias
``previous``; then the alias ``champion``, the one point of commit; then what is told afterwards; last the intent is taken away.
Each write may be repeated. Whoever writes next finds an intent that was left, and carries it out; it never signs, so that an
intent that was planted gets nothing signed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.clock import format_us, now_us
from models.registry.cut_off import end_cut_off_runs
from models.registry.registered import (
    CHALLENGER,
    CHAMPION,
    PREVIOUS,
    SIGNATURE_TAG,
    ChampionRef,
    Version,
    all_versions,
    by_alias,
    registered_model,
)
from models.registry.signing import is_signed, signature_of
from models.registry.tracking import client_of, configured_uri, is_not_yet_there, outside

if TYPE_CHECKING:
    from mlflow import MlflowClient

GATE_TAG = "trialwise.gate"
"""What the gate said at training: the decision, a colon, the reason."""

DECISION_TAG = "trialwise.decision "
"""A decision about a version: this and its time (UTC) are the key, ``kind: reason`` is the value. Never rewritten."""

AGAINST_TAG = "trialwise.gate_against"
"""The champion that the gate had in view, empty where there was none: its word holds against no other."""

INTENT_TAG = "trialwise.intent"
PROMOTED, FORCED, ROLLED_BACK = "promoted", "forced", "rolled back"
_LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that a version serves: which one, what kind of decision, why, and when it was taken (ISO 8601, UTC)."""

    version: str
    kind: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command found undone and did: promotions carried out, runs ended that were cut off."""

    promoted: tuple[Decision, ...] = ()
    lost_runs: int = 0
    unsigned: tuple[Decision, ...] = ()
    """Promotions that were begun, of versions that the promotion key did not sign: they are left to a person."""

    def lines(self) -> list[str]:
        """Return what a person is told of it."""
        told = [f"the promotion of version {one.version}, which was cut off, is carried out" for one in self.promoted]
        if self.lost_runs:
            told.append(f"{self.lost_runs} training(s) were cut off before their version was registered; their runs are ended")
        told += [
            f"version {one.version} was {one.kind}, and cut off before it was signed: trialwise promote {one.version} signs it"
            for one in self.unsigned
        ]
        return told


def promote(ref: ChampionRef, *, reason: str, kind: str = PROMOTED, home: Path | None = None) -> None:
    """Make a version the champion and remember the old one; with a promotion key in the environment it is signed."""
    uri = configured_uri(home)
    intent = Decision(ref.version, kind, reason[:_LONGEST_REASON], format_us(now_us()))
    with outside(uri):
        client = client_of(uri)
        if signature := signature_of(ref):
            client.set_model_version_tag(ref.name, ref.version, SIGNATURE_TAG, signature)
        client.set_registered_model_tag(ref.name, INTENT_TAG, json.dumps(asdict(intent)))
        _carry_out(client, ref, intent)


def complete(name: str, home: Path | None = None) -> Completed:
    """Finish what commands that were cut off had begun: asked by every command that is about to write."""
    uri = configured_uri(home)
    if is_not_yet_there(uri):
        return Completed()
    with outside(uri):
        client = client_of(uri)
        versions = all_versions(client, name)
        lost = end_cut_off_runs(client, name, versions)
        waiting = _begun(client, name, versions)
        intents = [(one, intent) for one, intent in waiting if is_signed(one.ref)]
        unsigned = tuple(intent for one, intent in waiting if not is_signed(one.ref))
        for one, intent in intents:
            _carry_out(client, one.ref, intent)
        if not intents and (model := registered_model(client, name)) is not None and INTENT_TAG in model.tags:
            client.delete_registered_model_tag(name, INTENT_TAG)  # it cannot be carried out, and would hide what can
        for one in versions[-1:]:
            if one.digest and not one.aliases and not intents and not decisions(one):
                client.set_registered_model_alias(name, CHALLENGER, one.version)
    return Completed(tuple(intent for _, intent in intents), lost, unsigned)


def begun(name: str, home: Path | None = None) -> list[Decision]:
    """Return the promotions that were begun and cut off, and change nothing."""
    uri = configured_uri(home)
    if is_not_yet_there(uri):
        return []
    with outside(uri):
        client = client_of(uri)
        return [intent for one, intent in _begun(client, name, all_versions(client, name)) if is_signed(one.ref)]


def _carry_out(client: MlflowClient, ref: ChampionRef, intent: Decision) -> None:
    """Do all writes of a promotion, those that were done before included."""
    name, number = ref.name, ref.version
    old = by_alias(client, name, CHAMPION)
    if old is not None and old.version != number:
        client.set_registered_model_alias(name, PREVIOUS, old.version)
    client.set_registered_model_alias(name, CHAMPION, number)
    challenger = by_alias(client, name, CHALLENGER)
    if challenger is not None and challenger.version == number:
        client.delete_registered_model_alias(name, CHALLENGER)
    client.set_model_version_tag(name, number, DECISION_TAG + intent.at, f"{intent.kind}: {intent.reason}")
    client.delete_registered_model_tag(name, INTENT_TAG)


def _begun(client: MlflowClient, name: str, versions: list[Version]) -> list[tuple[Version, Decision]]:
    """Return the promotion whose intent still stands, else the newest version that its gate let through and nobody promoted."""
    model = registered_model(client, name)
    if model is None:
        return []
    intent = _read(model.tags.get(INTENT_TAG)) or _let_through(versions)
    if intent is None:
        return []
    return [(one, intent) for one in versions if one.version == intent.version and one.digest]


def _let_through(versions: list[Version]) -> Decision | None:
    """Return what the gate decided of the newest version, where it let it through and the training got no further."""
    serving = next((one.version for one in versions if CHAMPION in one.aliases), "")
    for one in versions[-1:]:
        kind, _, reason = one.tags.get(GATE_TAG, "").partition(": ")
        holds = kind == FORCED or one.tags.get(AGAINST_TAG, serving) == serving
        if kind in (PROMOTED, FORCED) and holds and not decisions(one):
            return Decision(one.version, kind, reason, format_us(now_us()))
    return None


def _read(text: str | None) -> Decision | None:
    """Return what an intent says; one that cannot be read is none."""
    try:
        return Decision(**json.loads(text)) if text else None
    except (TypeError, ValueError):
        return None


def decisions(version: Version) -> list[Decision]:
    """Return what was decided about a version, oldest first."""
    found = []
    for key, value in sorted(version.tags.items()):
        if key.startswith(DECISION_TAG):
            kind, _, reason = value.partition(": ")
            found.append(Decision(version.version, kind, reason, key.removeprefix(DECISION_TAG)))
    return found
