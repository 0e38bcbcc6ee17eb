"""Merging: what an id did and paid, and the account it belonged to, is of the lead it turned out to be, once that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.clock import NEVER
from features.reading.conversions_table import Payments
from features.reading.events_table import EventRows
from features.reading.identities_table import Merges
from features.reading.sources import I8


@dataclass(frozen=True, slots=True)
class Merging:
    """Of every id in their order: the place of the lead that it is now, and from when that is known, 0 where it is itself."""

    lead: npt.NDArray[np.int32]
    since: I8

    @classmethod
    def of(cls, merges: Merges, order: npt.NDArray[np.int32], n_ids: int) -> Merging:
        """Return merges by places in the order of ids; `order` has the place of each place in the index."""
        lead, since = np.arange(n_ids, dtype=np.int32), np.zeros(n_ids, np.int64)
        merged = order[merges.merged]
        lead[merged] = order[merges.into]
        since[merged] = merges.since
        return cls(lead, since)

    def events(self, events: EventRows) -> I8 | None:
        """Hand the events over; return from when each can start a trial, since a start that was once known never moves.

        None means that nothing was handed over.
        """
        if not self.since.any():
            return None
        since = self.since[events.lead]
        events.known = np.maximum(events.known, since)
        events.lead = self.lead[events.lead]
        return np.maximum(events.at, since)

    def payments(self, payments: Payments) -> Payments:
        """Hand the payments over."""
        known = np.maximum(payments.known, self.since[payments.lead])
        return Payments(self.lead[payments.lead].astype(np.int64), payments.at, known)

    def accounts(self, account: npt.NDArray[np.object_], known: I8) -> tuple[npt.NDArray[np.object_], I8]:
        """Return the account of each id that was known first, its own or one that was handed over; its own if both were."""
        if not self.since.any():
            return account, known
        having = np.flatnonzero(known < NEVER)
        handed, lead = self.since[having] > 0, self.lead[having]
        since = np.maximum(known[having], self.since[having])
        # Written last to first, so that the first of each lead stays.
        order = np.lexsort((having, handed, since, lead))[::-1]
        result: npt.NDArray[Any] = np.full(len(account), None, object)
        result[lead[order]] = account[having[order]]
        first = np.full(len(known), NEVER, np.int64)
        first[lead[order]] = since[order]
        return result, first
