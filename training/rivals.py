"""Whom a challenger has to meet: the champion, and the last champion that had won by being better.

A champion that was promoted as *newer and not worse* may have lost a little. The next such challenger is therefore held against
the one that it started from as well, or small losses would add up; each version's tags say which one that was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.errors import InputError, TrialwiseError
from models import registry
from models.artifact import load
from models.champion import Champion, find_champion
from models.scorer import Scorer

KIND_TAG = "trialwise.gate_kind"
"""Tag of a version: by which rule the gate decided about it."""

BASE_TAG = "trialwise.gate_base"
"""Tag of a version that was newer and not worse: the last version before it that was better."""

NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Rivals:
    """The champion and the last better one, both read and checked; None where there is none, or it cannot be read."""

    champion: Scorer | None = None
    version: str = ""
    """Of the champion, whether it can be read or not; empty where there is none."""
    base: Scorer | None = None
    base_version: str = ""
    absent: str = "there is no champion yet"

    @property
    def one(self) -> bool:
        """Whether the champion is the last better one itself."""
        return self.base is self.champion


def find_rivals(name: str, *, say: Callable[[str], None]) -> Rivals:
    """Return whom to meet; a champion that cannot be read is reported, and beats nobody."""
    ref = registry.champion(name)
    try:
        champion = find_champion(name)
    except TrialwiseError as error:
        if error.exit_code != InputError.exit_code:
            raise
        say(f"warning: the champion cannot be read, so there is none to beat: {error}")
        return Rivals(version=ref.version if ref else "", absent="the champion cannot be read")
    if champion is None:
        return Rivals()
    here = next((one for one in registry.versions(name) if one.version == champion.ref.version), None)
    tags = here.tags if here else {}
    number = tags.get(BASE_TAG, "") if tags.get(KIND_TAG) == NEWER else champion.ref.version
    base = champion if number == champion.ref.version else _base(name, number, say)
    return Rivals(champion.scorer, champion.ref.version, base.scorer if base else None, number)


def load_version(name: str, number: str, home: Path | None = None) -> Champion | None:
    """Return any registered version of a workspace, read strictly and checked against its digest; None if it is not there."""
    ref = registry.version(name, number, home)
    if ref is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        return Champion(ref, load(registry.download(ref, Path(scratch), home), digest=ref.digest))


def _base(name: str, number: str, say: Callable[[str], None]) -> Champion | None:
    try:
        found = load_version(name, number)
    except TrialwiseError as error:
        say(f"warning: version {number}, the last better champion, cannot be read: {error}")
        return None
    if found is None:
        say(f"warning: version {number}, the last better champion, is no longer registered")
    return found
