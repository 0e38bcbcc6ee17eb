"""What became of the rows of a table: read, refused and why, doubled, and from when to when. No row vanishes silently."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from features.clock import format_us
from features.errors import InputError
from features.reading import moments
from features.reading.cells import Words
from features.reading.moments import Moments
from features.reading.sources import I8, Origin, Piece, Reading

REASONS = (
    "",
    "missing_lead",
    "invalid_text",
    "missing_name",
    "missing_time",
    "unreadable_time",
    "time_out_of_range",
    "bad_count",
    "unknown_lead",
    "conflicting_lead",
    "unreadable_outcome",
    "merge_cycle",
    "conflicting_merge",
)
"""Why a row is refused; the place in this list is its code, 0 for a row that is kept."""

CODE = {reason: code for code, reason in enumerate(REASONS)}
TIME_REASON = {
    moments.MISSING: "missing_time",
    moments.UNREADABLE: "unreadable_time",
    moments.OUT_OF_RANGE: "time_out_of_range",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know about the data."""

    level: str
    """error and leak stop a training, ask wants an answer; warn and info do not stop."""
    column: str
    evidence: str

    def as_dict(self) -> dict[str, str]:
        """Return the shape of ``check --json``."""
        return {"level": self.level, "column": self.column, "evidence": self.evidence}


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused row."""

    line: int
    reason: str
    origin: str


@dataclass(slots=True)
class TableReport:
    """The account of one table."""

    table: str
    read: int = 0
    duplicates: int = 0
    outside: int = 0
    """Rows that are sound but not asked for: leads that `where` leaves out and their rows, leads that never started."""
    first: int | None = None
    last: int | None = None
    origins: list[Origin] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    samples: dict[str, str] = field(default_factory=dict)
    """One refused value for each reason that was met, to be shown."""
    _batches: list[tuple[Origin, I8, npt.NDArray[np.uint8]]] = field(default_factory=list)

    def refuse(self, origin: Origin, rows: I8, codes: npt.NDArray[np.uint8]) -> None:
        """Note refused rows by their ordinals in their origin, with the code of the reason."""
        self._batches.append((origin, rows, codes))

    def take(self, origin: Origin, piece: Piece, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
        """Count a piece and note its refused rows; return which rows are kept, None for all of them."""
        self.read += piece.rows
        if not codes.any():
            return None
        bad = np.flatnonzero(codes)
        self.refuse(origin, bad + piece.first, codes[bad])
        kept: npt.NDArray[np.bool_] = codes == 0
        return kept

    def spans(self, us: I8) -> None:
        """Widen the span of the table to times that were kept."""
        if len(us):
            low, high = int(us.min()), int(us.max())
            self.first = low if self.first is None else min(self.first, low)
            self.last = high if self.last is None else max(self.last, high)

    def close(self, reading: Reading) -> None:
        """Add the rows that could not be taken apart, and the columns that no row has, once every origin was read."""
        self.read += sum(len(origin.spoilt()) for origin in self.origins)
        for column, key in reading.absent.items():
            self.findings.append(Finding("warn", column, f"no row of data.{self.table} has it, though {key} names it"))

    @property
    def refused_count(self) -> int:
        """How many rows were refused."""
        return sum(len(rows) for _, rows, _ in self._batches) + sum(len(origin.spoilt()) for origin in self.origins)

    @property
    def refused(self) -> list[Refused]:
        """Every refused row, by origin and line."""
        found: list[Refused] = []
        for origin in self.origins:
            mine = [(rows, codes) for other, rows, codes in self._batches if other is origin]
            here = [Refused(line, reason, origin.name) for line, reason in origin.spoilt()]
            if mine:
                rows = np.concatenate([rows for rows, _ in mine])
                codes = np.concatenate([codes for _, codes in mine])
                lines = origin.lines(rows)
                here += [Refused(int(line), REASONS[code], origin.name) for line, code in zip(lines, codes, strict=True)]
            found += sorted(here, key=lambda one: (one.line, one.reason))
        return found

    def reasons(self) -> Counter[str]:
        """Count the refused rows by reason."""
        counts: Counter[str] = Counter()
        for _, _, codes in self._batches:
            for code, count in enumerate(np.bincount(codes, minlength=len(REASONS)).tolist()):
                if count:
                    counts[REASONS[code]] += count
        for origin in self.origins:
            counts.update(reason for _, reason in origin.spoilt())
        return counts

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of ``check --json``; refused rows name their file where there are several."""
        many = len(self.origins) > 1
        return {
            "read": self.read,
            "refused": [
                {"line": one.line, "reason": one.reason, **({"file": one.origin} if many else {})} for one in self.refused
            ],
            "duplicates": self.duplicates,
            "first": None if self.first is None else format_us(self.first),
            "last": None if self.last is None else format_us(self.last),
        }

    def stop_if_all_refused(self) -> None:
        """Raise when there were rows and none of them could be used."""
        refused = self.refused_count
        if not self.read or refused < self.read:
            return
        first = self.refused[0]
        reason, count = self.reasons().most_common(1)[0]
        what = f"{reason.replace('_', ' ')} in {count} of {self.read} rows"
        sample = self.samples.get(reason)
        raise InputError(
            f"every row of data.{self.table} is refused",
            given=what + (f", such as '{sample}'" if sample else "") + f", first at line {first.line} of {first.origin}",
            expected=_EXPECTED.get(reason, "rows that can be used"),
            do=f"check which columns data.{self.table} names",
        )


_EXPECTED = {
    "unknown_lead": "ids that stand in data.leads",
    "unreadable_time": "times such as 2026-05-07T09:00:00Z or 2026-05-07",
    "time_out_of_range": "times from 1971 to 2098",
    "missing_time": "a time in every row",
    "missing_lead": "an id in every row",
    "unreadable_outcome": "1 or 0, true or false, yes or no",
}


def read_times(
    report: TableReport, key: str, column: str, origin: Origin, piece: Piece, *, timezone: str, zone: str | None
) -> Moments:
    """Read a time column; times without a zone stop everything, since a guess would move them all."""
    cells = piece.column(column)
    try:
        read = moments.read_moments(cells, timezone=timezone, zone=zone)
    except TypeError as error:
        raise InputError(
            f"column '{column}' of {origin.name} holds no times",
            given=f"values of type {error}",
            expected="times such as 2026-05-07T09:00:00Z, or a timestamp column",
            do=f"correct {key}; numbers that count from 1970 on need their unit, such as '{column} in seconds'",
        ) from None
    naive = np.flatnonzero(read.state == moments.NAIVE)
    if len(naive):
        row = int(naive[0])
        line = int(origin.lines(np.array([piece.first + row]))[0])
        raise InputError(
            f"times without a zone in column '{column}' of {origin.name}",
            given=f"'{cells[row].as_py()}' in {origin.unit} {line}",
            expected="a zone in every time (2026-05-07T09:00:00Z), or the zone of the table",
            do=f"add zone: to data.{report.table}, such as zone: UTC",
        )
    bad = np.flatnonzero(read.state == moments.UNREADABLE)
    if len(bad):
        report.samples.setdefault("unreadable_time", str(cells[int(bad[0])].as_py())[:60])
    return read


def time_flaws(state: npt.NDArray[np.uint8]) -> list[tuple[npt.NDArray[np.bool_], str]]:
    """Return which times are refused, with the reasons."""
    return [(state == flaw, reason) for flaw, reason in TIME_REASON.items()]


def has_nul(words: Words) -> npt.NDArray[np.bool_]:
    """Tell which texts hold a NUL, which no database keeps alike."""
    having = ["\0" in value for value in words.values]
    return np.array([*having, False])[words.codes] if any(having) else np.zeros(len(words.codes), bool)


def first_reason(*columns: tuple[npt.NDArray[np.bool_], str]) -> npt.NDArray[np.uint8]:
    """Return for each row the code of the first reason that holds."""
    codes = np.zeros(len(columns[0][0]), np.uint8)
    for holds, reason in reversed(columns):
        codes[holds] = CODE[reason]
    return codes
