"""The work of ``trialwise promote``, ``rollback`` and ``models``: which version serves is a person's to say, and written down."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from features.errors import InputError, StoppedError
from features.workspace import load_workspace
from models import registry
from models.artifact import load
from models.registry import CHAMPION, PREVIOUS, ROLLED_BACK, Decision, Version
from models.registry.signing import need_signed
from models.version_table import version_rows

Say = Callable[[str], None]

PROMOTED_BY_HAND = "promoted by hand"
"""The kind of decision that a person took against or beside the gate."""


def run_promote(workspace: Path, version: str, *, reason: str | None = None, say: Say) -> dict[str, Any]:
    """Make any registered version the champion; refused unless its folder is whole and reads back.

    Raises
    ------
    InputError
        There is no such version, or its registration was cut off.
    StoppedError
        Its folder is not what was registered, or does not give the scores that it gave when it was written.
    """
    name = load_workspace(workspace).name
    _complete(name, say)
    found = registry.versions(name)
    wanted = next((one for one in found if one.version == version.strip()), None)
    if wanted is None:
        numbers = ", ".join(one.version for one in found) or "none yet"
        raise InputError(
            f"{name} has no such version", given=version, expected=f"one of {numbers}", do="see them with trialwise models"
        )
    return _change(wanted, found, PROMOTED_BY_HAND, reason or "no reason was given", say)


def run_rollback(workspace: Path, *, reason: str | None = None, say: Say) -> dict[str, Any]:
    """Let the champion and the one before it change places; a rollback that was cut off is carried out, and that is all.

    Raises
    ------
    InputError
        There is no version before it.
    StoppedError
        A promotion that was cut off was carried out first: the champion is another one than was known.
    """
    name = load_workspace(workspace).name
    for done in _complete(name, say):
        # Had it gone through at once, nobody would have asked again; and who asked did not know of any other promotion.
        if done.kind == ROLLED_BACK:
            return {"name": name, "version": done.version, "before": None, "decision": done.kind, "reason": done.reason}
        raise StoppedError(
            f"nothing was rolled back: version {done.version} has only now become champion",
            given="a promotion that had been cut off",
            expected="a champion that was known when the rollback was asked for",
            do="look at trialwise models, then ask again",
        )
    found = registry.versions(name)
    before = next((one for one in found if PREVIOUS in one.aliases and CHAMPION not in one.aliases), None)
    if before is None:
        raise InputError(
            f"{name} has no version to go back to",
            given="no alias previous",
            expected="a champion that took another one's place",
            do="name a version with trialwise promote",
        )
    # Whoever can move the alias could otherwise have anything signed by asking a person to roll back.
    need_signed(before.ref)
    return _change(before, found, ROLLED_BACK, reason or "no reason was given", say)


def run_models(workspace: Path, *, say: Say) -> dict[str, Any]:
    """Tell every version: what it learnt from, how good it was, and why it serves or does not; nothing is changed."""
    name = load_workspace(workspace).name
    found = registry.versions(name)
    rows = version_rows(found, registry.trainings(name))
    for intent in registry.begun(name):
        say(f"warning: the promotion of version {intent.version} was cut off; the next train, promote or rollback carries it out")
    return {"name": name, "models": rows}


def _change(wanted: Version, found: list[Version], kind: str, reason: str, say: Say) -> dict[str, Any]:
    need_whole(wanted)
    champion = next((one for one in found if CHAMPION in one.aliases), None)
    registry.promote(wanted.ref, reason=reason, kind=kind)
    was = champion.version if champion else None
    say(f"version {wanted.version} of {wanted.name}: {kind}; {reason}" + (f" (before: version {was})" if was else ""))
    return {"name": wanted.name, "version": wanted.version, "before": was, "decision": kind, "reason": reason}


def need_whole(wanted: Version) -> None:
    """Refuse a version that cannot serve: cut off while it was registered, changed since, or not to be read here."""
    if not wanted.digest:
        raise InputError(
            f"version {wanted.version} of {wanted.name} was never finished",
            given="a version without the digest of its folder",
            expected="a version that was registered whole",
            do="choose another one; see them with trialwise models",
        )
    try:
        with tempfile.TemporaryDirectory() as scratch:
            load(registry.download(wanted.ref, Path(scratch)), digest=wanted.digest)
    except InputError as error:
        raise StoppedError(
            f"version {wanted.version} of {wanted.name} cannot serve: {error.error}",
            given=error.given,
            expected=error.expected,
            do="choose another one; what serves now goes on serving",
        ) from error


def _complete(name: str, say: Say) -> tuple[Decision, ...]:
    """Finish what was cut off before anything new is begun; return the promotions that were carried out."""
    done = registry.complete(name)
    for line in done.lines():
        say(line)
    return done.promoted
