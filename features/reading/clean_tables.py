"""The clean form into which all data are read: leads, their events, and an account of every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from features.clock import NEVER
from features.reading.identities_table import Link
from features.reading.sources import I8
from features.reading.table_report import Finding, TableReport
from features.reading.written import Written


@dataclass(frozen=True, slots=True)
class Leads:
    """Leads sorted by id. Times are microseconds, NEVER for what has not happened or is not known."""

    ids: list[str]
    started_at: I8
    ended_at: I8
    trial_ends_at: I8
    converted_at: I8
    """The first conversion; with day resolution 00:00 of its day."""
    conversion_known: I8
    account: npt.NDArray[np.object_]
    account_known: I8
    """From when each lead's account is known, NEVER where there is none."""
    attributes: dict[str, npt.NDArray[Any]]
    """Categories as text or None, numbers as doubles; known from the start on."""
    traits: dict[str, npt.NDArray[np.object_]]
    """Traits of behaviours that are no attributes, as text or None; known from the start on."""
    contact: dict[str, npt.NDArray[np.object_]]
    ignored: npt.NDArray[np.bool_]
    converted_flag: npt.NDArray[np.int8]
    """The outcome in a table without dates, else -1."""
    known: dict[str, I8] = field(default_factory=dict)
    """From when attributes and traits are known, where that is not the start."""
    ends_told: dict[int, I8] = field(default_factory=dict)
    """Ends of the trial as they were told one after the other: [lead] is (known from, end), NEVER where no more was told."""
    closes_told: dict[int, I8] = field(default_factory=dict)
    """The same of `ended_at`, which is the last one told. Of whom nothing is told here, `ended_at` was known all along."""
    heard_at: I8 | None = None
    """From when anybody could have asked about a lead: when it was first heard of. None where that is each one's start."""

    def __len__(self) -> int:
        return len(self.ids)

    def had_ended(self, as_of: I8, lead: I8 | slice = slice(None)) -> npt.NDArray[np.bool_]:
        """Tell whether leads had ended, by what was told by then; `as_of` has an instant a lead, or several (lead x instant)."""
        ends = _beside(self.ended_at[lead], as_of)
        for layer, told in sorted(self.closes_told.items()):
            since, end = (_beside(told[lead, side], as_of) for side in (0, 1))
            if not layer:
                ends = np.where(since < NEVER, NEVER, ends)
            ends = np.where(since <= as_of, end, ends)
        return ends <= as_of

    def was_unheard_of(self, as_of: I8) -> npt.NDArray[np.bool_]:
        """Tell of which leads nobody had heard, so that nobody could ask; `as_of` as above."""
        if self.heard_at is None:
            return np.zeros(as_of.shape, bool)
        return _beside(self.heard_at, as_of) > as_of

    def take(self, kept: npt.NDArray[np.bool_] | slice) -> Leads:
        """Return some of the leads."""

        def some(value: Any) -> Any:
            if isinstance(value, list):
                return value[kept] if isinstance(kept, slice) else [value[place] for place in np.flatnonzero(kept).tolist()]
            if isinstance(value, dict):
                return {name: some(column) for name, column in value.items()}
            return None if value is None else value[kept]

        return Leads(**{one.name: some(getattr(self, one.name)) for one in fields(self)})


def _beside(column: I8, as_of: I8) -> I8:
    return column.reshape(column.shape + (1,) * (as_of.ndim - 1))


@dataclass(frozen=True, slots=True)
class Events:
    """Events sorted by lead, time and content."""

    lead: npt.NDArray[np.int32]
    """Place in Leads.ids."""
    name: npt.NDArray[np.int32]
    """Place in `names`."""
    names: list[str]
    """Folded names, sorted; each has an event."""
    at: I8
    """When it counts: with day resolution, when its day is over."""
    known: I8
    """When it had both happened and arrived."""
    count: I8
    properties: dict[str, npt.NDArray[Any]]
    written: Written | None = None
    """The rows as they were written, where the reader asked for them, and which of them each event is."""
    row: I8 | None = None

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that was read."""

    leads: Leads
    events: Events
    report: dict[str, TableReport]
    unmapped: dict[str, int]
    """Names that no line of the workspace file mentions, with their number of events."""
    newest: int
    """The newest known time in the data, 0 if there is none."""
    links: Sequence[Link] = ()
    """The merges one by one, where who reads them asked for nobody to be merged."""

    @property
    def findings(self) -> list[Finding]:
        """What was noticed while reading."""
        return [finding for report in self.report.values() for finding in report.findings]
