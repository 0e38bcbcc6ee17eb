"""The table of identities: which id turned out to be which lead, and from when that is known.

Of each id the merge that was known first counts: a later one with somebody else is refused, and so is one that would close a
circle. Merges are followed to their end: what was `a` and then `b` is now `c`, from the later of the two times on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.clock import NEVER
from features.compiled import compiled
from features.reading.cells import Words, read_words
from features.reading.conversions_table import known_of
from features.reading.leads_table import OUTSIDE, LeadRows
from features.reading.moments import effective_event
from features.reading.sources import I8, Origin, Piece, Reading, StoreReader, open_sources
from features.reading.table_report import CODE, Finding, TableReport, first_reason, has_nul, read_times, time_flaws
from features.workspaces.data import IdentitiesSpec
from features.workspaces.schema import Workspace

Link = tuple[str, str, int]
"""An id, the lead that it turned out to be, and from when that is known."""

_MERGED, _AGAIN, _SAME, _CYCLE, _OTHER = range(5)
"""What became of a row: it counts, it is told again, both its ids are one, it would close a circle, its id is another already."""

_NOBODY = -1


@dataclass(slots=True)
class Merges:
    """Who turned out to be whom, by places in the index of leads."""

    merged: I8 = field(default_factory=lambda: np.zeros(0, np.int64))
    """Places of the ids that are leads no more."""
    into: I8 = field(default_factory=lambda: np.zeros(0, np.int64))
    """The place of the lead that each of them is now."""
    since: I8 = field(default_factory=lambda: np.zeros(0, np.int64))
    """From when that is known."""
    leads: int = 0
    """How many leads of the table are none any more."""
    newest: int = 0
    links: list[Link] = field(default_factory=list)
    """The merges one by one, as they were told, where nobody was to be merged yet."""


def read_identities(
    ws: Workspace, spec: IdentitiesSpec, rows: LeadRows, *, grow: bool, cut: int | None, store: StoreReader | None, apart: bool
) -> tuple[Merges, TableReport]:
    """Read the merges that are known at `cut`, and enter their ids into the index of leads, so that nobody there is unknown.

    With `grow` there is no table of leads, and whoever an id turned out to be is a lead. With `apart` the merges themselves are
    returned as well.
    """
    report = TableReport("identities", origins=open_sources("identities", spec.source, ws.folder, cut=cut, store=store))
    table = _IdentitiesTable(ws, spec, report, cut)
    required = {spec.from_: "data.identities.from", spec.to: "data.identities.to", spec.at: "data.identities.at"}
    reading = Reading("identities", report.origins, required)
    for origin, piece in reading:
        table.add(origin, piece)
    report.close(reading)
    if cut is None:
        report.stop_if_all_refused()
    merges = table.finish(rows, grow=grow, apart=apart)
    if cut is None:
        report.stop_if_all_refused()
    if len(merges.merged):
        evidence = f"{len(merges.merged)} ids turned out to be other leads, {merges.leads} of them leads of the table until then"
        report.findings.append(Finding("info", "data.identities", evidence))
    return merges, report


@dataclass(slots=True)
class _IdentitiesTable:
    ws: Workspace
    spec: IdentitiesSpec
    report: TableReport
    cut: int | None
    _codes: dict[str, int] = field(default_factory=dict)
    _parts: list[tuple[Origin, I8, I8, I8, I8, I8]] = field(default_factory=list)

    def add(self, origin: Origin, piece: Piece) -> None:
        """Read one piece: ids as numbers, and times; what is refused or not known yet is left out here."""
        spec, ws = self.spec, self.ws
        who, whom = read_words(piece.column(spec.from_)), read_words(piece.column(spec.to))
        read = read_times(self.report, "data.identities.at", spec.at, origin, piece, timezone=ws.timezone, zone=spec.zone)
        codes = first_reason(
            ((who.codes < 0) | (whom.codes < 0), "missing_lead"),
            (has_nul(who) | has_nul(whom), "invalid_text"),
            *time_flaws(read.state),
        )
        # Where merges stand among the events themselves, a row without both ids tells none, and is no mistake.
        silent = (who.codes < 0) | (whom.codes < 0)
        silent &= ws.data.events is not None and ws.data.events.source == spec.source
        codes[silent] = 0
        self.report.outside += int(silent.sum())
        kept = self.report.take(origin, piece, codes)
        at = np.where((codes == 0) & ~silent, read.us, 0)
        at[(codes == 0) & ~silent] = effective_event(at[(codes == 0) & ~silent], ws.resolution.events, ws.timezone)
        told = known_of(piece, read.us)
        at = np.maximum(at, told) if told is not read.us else at
        known = ~silent if self.cut is None else ~silent & (at <= self.cut)
        chosen = np.flatnonzero(known if kept is None else known & kept)
        self.report.spans(read.us[chosen])
        ends = (self._numbers(who)[chosen], self._numbers(whom)[chosen])
        self._parts.append((origin, chosen + piece.first, *ends, at[chosen], told[chosen]))

    def _numbers(self, words: Words) -> I8:
        codes = self._codes
        return np.array([*(codes.setdefault(one, len(codes)) for one in words.values), _NOBODY], np.int64)[words.codes]

    def finish(self, rows: LeadRows, *, grow: bool, apart: bool) -> Merges:
        """Decide which merges count, follow them to the leads, and enter who was merged into the index."""
        nothing = np.zeros(0, np.int64)
        who, whom, at, written = (np.concatenate([nothing, *(part[i] for part in self._parts)]) for i in (2, 3, 4, 5))
        names = list(self._codes)
        rank = np.empty(len(names), np.int64)
        rank[pc.array_sort_indices(pa.array(names, pa.string())).to_numpy()] = np.arange(len(names))
        became = np.zeros(len(who), np.uint8)
        parent, since = np.full(len(names), _NOBODY, np.int64), np.zeros(len(names), np.int64)
        # By the time as written: of two merges that are both known at the end of a day the earlier counts.
        _choose(np.lexsort((rank[whom], rank[who], written)), who, whom, at, became, parent, since)

        place = np.fromiter((rows.index.get(one, _NOBODY) for one in names), np.int64, len(names))
        place[[code for code, one in enumerate(names) if one in rows.later] if rows.later else nothing] = _NOBODY
        new = np.zeros(len(names), bool)
        if grow:  # whoever stands at an end of a merge is a lead from now on
            new[who[became == _MERGED]] = new[whom[became == _MERGED]] = True
        end = np.where(new, np.arange(len(names)), np.where(place == OUTSIDE, OUTSIDE, _NOBODY))
        end = np.where(place >= 0, np.arange(len(names)), end)
        _follow(parent, end, since)
        # As long as a lead has not started nobody can be told to be this lead.
        started = _starts(rows, place)
        since[(since > 0) & (end >= 0)] = np.maximum(since, started[end])[(since > 0) & (end >= 0)]

        lost = (became == _MERGED) & (since[who] == 0)
        self._account(became, lost, names, whom, rows.later)
        merges = _enter(rows, names, place, new, end, since)
        if apart:
            told = np.flatnonzero((became == _MERGED) & (end[who] >= 0) & ~lost)
            known = np.where(parent[whom[told]] < 0, np.maximum(at[told], started[whom[told]]), at[told])
            ends = zip(who[told].tolist(), whom[told].tolist(), known.tolist(), strict=True)
            merges.links = [(names[a], names[b], known) for a, b, known in ends]
        return merges

    def _account(
        self, became: npt.NDArray[np.uint8], lost: npt.NDArray[np.bool_], names: list[str], whom: I8, later: set[str]
    ) -> None:
        """Say of every row what became of it. Whoever starts only after the cut is not unknown."""
        report = self.report
        report.duplicates = int((became == _AGAIN).sum())
        waiting = np.zeros(len(became), bool)
        if later:
            waiting[lost] = [names[code] in later for code in whom[lost].tolist()]
        strangers = np.flatnonzero(lost & ~waiting)
        report.outside += int((became == _SAME).sum()) + int(waiting.sum())
        if len(strangers):
            report.samples["unknown_lead"] = names[whom[strangers[0]]][:60]
        reasons = np.zeros(len(became), np.uint8)
        reasons[strangers] = CODE["unknown_lead"]
        reasons[became == _CYCLE] = CODE["merge_cycle"]
        reasons[became == _OTHER] = CODE["conflicting_merge"]
        before = 0
        for origin, ordinals, *_ in self._parts:
            here = reasons[before : before + len(ordinals)]
            bad = np.flatnonzero(here)
            if len(bad):
                report.refuse(origin, ordinals[bad], here[bad])
            before += len(ordinals)


def _starts(rows: LeadRows, place: I8) -> I8:
    """Return when each id starts as the table of leads says, 0 where it does not."""
    starts = rows.columns.get(("time", "started_at"), np.zeros(0, np.int64))
    stated = (place >= 0) & (place < len(starts))
    found = np.zeros(len(place), np.int64)
    found[stated] = starts[place[stated]]
    found[found >= NEVER] = 0
    return found


def _enter(
    rows: LeadRows,
    names: list[str],
    place: I8,
    new: npt.NDArray[np.bool_],
    end: I8,
    since: I8,
) -> Merges:
    """Enter who was merged into the index of leads; who turned out to be somebody that is left out is left out as well."""
    merged = (since > 0) & (place != OUTSIDE)
    leads = int((merged & (place >= 0)).sum())
    left_out = merged & (end == OUTSIDE)
    new |= merged & ~left_out & (place < 0)
    first = rows.size
    place[new & (place < 0)] = first + np.arange(int((new & (place < 0)).sum()))
    rows.index.update((names[code], int(place[code])) for code in np.flatnonzero(new).tolist())
    gone = np.flatnonzero(left_out)
    rows.index.update((names[code], OUTSIDE) for code in gone.tolist())
    now = np.flatnonzero(merged & ~left_out)
    return Merges(place[now], place[end[now]], since[now], leads, int(since.max(initial=0)))


@compiled
def _choose(order: I8, who: I8, whom: I8, at: I8, became: npt.NDArray[np.uint8], parent: I8, since: I8) -> None:
    """Take the merges in their order, and note of each what became of it."""
    top = np.arange(len(parent))  # where the merges that were taken so far end, by short cuts
    for row in order:
        a, b = who[row], whom[row]
        if a == b:
            became[row] = _SAME
        elif parent[a] >= 0:
            became[row] = _AGAIN if parent[a] == b else _OTHER
        else:
            last = b
            while top[last] != last:
                top[last] = top[top[last]]
                last = top[last]
            if last == a:
                became[row] = _CYCLE
            else:
                parent[a], top[a], since[a] = b, last, at[row]


@compiled
def _follow(parent: I8, end: I8, since: I8) -> None:
    """Follow the merges of each id to a lead; `end` holds itself where an id is a lead, and a negative number where it is none.

    A merge that leads to nobody does not count: its id stays what it is, and `since` becomes 0.
    """
    done = np.zeros(len(parent), np.bool_)
    path = np.empty(len(parent), np.int64)
    for first in range(len(parent)):
        steps, one = 0, first
        while not done[one]:
            path[steps] = one
            steps += 1
            if parent[one] < 0:
                break
            one = parent[one]
        while steps > 0:
            steps -= 1
            one = path[steps]
            done[one] = True
            if parent[one] < 0:
                continue
            if end[parent[one]] == _NOBODY:
                since[one] = 0
            else:
                end[one] = end[parent[one]]
                since[one] = max(since[one], since[parent[one]])
