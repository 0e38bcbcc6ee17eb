"""Past models: which model scored a lead then, and that model itself, if it is still kept on this machine."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from features.errors import TrialwiseError
from features.store import EventStore
from features.storing.answered import version_then
from serving.kept_models import KeptModels
from serving.problems import Problem
from serving.proving import Loaded

MOST_LOADED = 2
"""How many past models stay in memory."""

LEDGER, ASKED, CURRENT = "ledger", "asked", "current"

log = logging.getLogger("trialwise.live")


@dataclass(frozen=True, slots=True)
class Then:
    """The model that looks at the time then, and how it was found."""

    loaded: Loaded
    by: str
    """`ledger`: it scored the lead then; `asked`: the caller named it; `current`: nothing better is known or kept."""
    warning: tuple[str, Mapping[str, str]] | None = None
    """Its code, and what its text tells."""


class PastModels:
    """Models of earlier versions, read from what is kept on disk and proved like any other."""

    def __init__(self, models: KeptModels, store: EventStore) -> None:
        self._models = models
        self._store = store
        self._lock = threading.Lock()
        self._loaded: OrderedDict[tuple[str, str], Loaded] = OrderedDict()

    def then(self, lead_id: str, at: int, current: Loaded, version: str | None) -> Then:
        """Return the model for an instant in the past: the version that is asked for, else the one that the ledger names.

        Raises
        ------
        Problem
            The version that is asked for is not kept.
        """
        if version is not None:
            asked = current if version == current.ref.version else self._kept(version, None)
            if asked is None:
                raise Problem("version_not_kept", "No model of that version is kept on this server.")
            return Then(asked, ASKED)
        with self._store.reading() as connection:
            found = version_then(connection, lead_id, at)
        if found is None:
            return Then(current, CURRENT, ("model_then_unknown", {}))
        if found == (current.ref.version, current.ref.digest):
            return Then(current, LEDGER)
        loaded = self._kept(*found)
        if loaded is None:
            return Then(current, CURRENT, ("model_not_kept", {"version": found[0]}))
        return Then(loaded, LEDGER)

    def _kept(self, version: str, digest: str | None) -> Loaded | None:
        """Return a kept version; reading and proving it takes a while, so the last ones stay in memory."""
        ref = self._models.kept(version, digest)
        if ref is None:
            return None
        key = (ref.version, ref.digest)
        with self._lock:
            if key not in self._loaded:
                try:
                    self._loaded[key] = self._models.again(ref)
                except (TrialwiseError, OSError) as trouble:
                    log.warning("version %s cannot be used to look back: %s", ref.version, trouble)
                    return None
                while len(self._loaded) > MOST_LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]
