"""Who is looked at by `score` and `features`, and as of when: the same rule for both, with a count of everyone left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, NEVER
from features.definition import Definition
from features.errors import InputError
from features.reading.as_of_now import read_as_of_now
from features.reading.inactivity import close_inactive
from features.reading.model_part import as_trained
from features.reading.moments import TimeError, parse_moment
from features.reading.table_report import TableReport
from features.tables import Tables, read_tables
from features.workspace import Workspace

Ints = NDArray[np.int64]

LEFT_OUT = ("not_started", "not_reached", "converted", "ended", "ignored")
"""Why a lead is not looked at. Leads outside --started-from and --started-before were not asked for, and are not counted."""

_DATE_AND_MORE = re.compile(r"\d{4}-\d{2}-\d{2}.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said: one of age and as_of, or neither; and a window of starts."""

    age_days: float | None = None
    as_of: str | None = None
    started_from: str | None = None
    started_before: str | None = None


@dataclass(frozen=True, slots=True)
class Population:
    """Who is looked at: places in the table of leads, and an instant for each."""

    tables: Tables
    lead: Ints
    as_of: Ints
    left_out: dict[str, int]
    at: int | None
    """The one instant as of which all are looked at, None with an age and in a table without dates."""

    def rows(self, places: Sequence[int] | Ints) -> Population:
        """Return the same look at some of the leads, by row."""
        chosen = np.asarray(places, dtype=np.int64)
        return Population(self.tables, self.lead[chosen], self.as_of[chosen], self.left_out, self.at)

    @property
    def ids(self) -> list[str]:
        """The lead ids by row."""
        return [self.tables.leads.ids[place] for place in self.lead]


def find_population(ws: Workspace, asked: Asked, definition: Definition | None = None) -> Population:
    """Read the tables as they were known, and return who is open then; for a model, as its own definition has it.

    With --age every lead is looked at so many days after its start; with --as-of, or with neither, all at one instant: by default
    now, but never later than the newest time in the data. At one instant nothing is seen that became known later, so that it is
    exactly what the server would have answered then. With --age a lead that had paid is left out even where the payment was not
    known yet (by the day, one dated D closes the lead at D 00:00 and is known a day later); everyone else is as the server has
    it. Of whom it had not heard by then, it could not have been asked: such a lead counts as not started.
    """
    check_asked(asked)
    if ws.data.undated:
        return _undated(ws, asked, definition)
    _window(ws, asked)
    cut = None if asked.as_of is None else parse_when(asked.as_of, "--as-of", ws)
    if asked.age_days is None:
        tables, cut = read_as_of_now(ws, definition, cut=cut)
    else:
        tables = read_tables(ws, definition)
    found = choose(ws, tables, asked, cut, definition)
    found.left_out["not_started"] += not_known_yet(ws, tables.report, len(tables.leads), asked, cut)
    return found


def check_asked(asked: Asked) -> None:
    """Raise where what was asked for contradicts itself."""
    if asked.age_days is not None and asked.as_of is not None:
        raise InputError("--age and --as-of exclude each other", given="both", expected="one of them, or neither", do="drop one")
    if asked.age_days is not None and not 0 <= asked.age_days <= 3650:
        raise InputError("--age is no age", given=f"{asked.age_days:g}", expected="days, from 0 to 3650", do="correct it")


def choose(ws: Workspace, tables: Tables, asked: Asked, cut: int | None, definition: Definition | None = None) -> Population:
    """Return who is open, out of tables with dates that were read as of `cut`; their newest time is that of all the data."""
    started_from, started_before = _window(ws, asked)
    tables = close_inactive(as_trained(ws, definition), tables)
    leads = tables.leads
    started = leads.started_at
    at: int | None = None
    if asked.age_days is not None:
        as_of = started + round(asked.age_days * DAY_US)
    else:
        at = tables.newest if cut is None else cut
        as_of = np.full(len(started), at, dtype=np.int64)

    kept = (started >= started_from) & (started < started_before)
    left_out = dict.fromkeys(LEFT_OUT, 0)
    for reason, hit in {
        "ignored": leads.ignored,
        "not_started": (started > as_of) | leads.was_unheard_of(as_of),
        "not_reached": as_of > tables.newest if at is None else np.zeros(len(started), dtype=bool),
        "converted": leads.converted_at <= as_of,
        "ended": leads.had_ended(as_of),
    }.items():
        left_out[reason] = int((kept & hit).sum())
        kept &= ~hit
    lead = np.flatnonzero(kept)
    return Population(tables, lead, as_of[lead], left_out, at)


def not_known_yet(ws: Workspace, reports: Mapping[str, TableReport], leads: int, asked: Asked, cut: int | None) -> int:
    """Count the leads of the file that reading as of an instant passed over, since they start later; `leads` were not."""
    spec, report = ws.data.leads, reports.get("leads")
    if cut is None or _window(ws, asked)[1] <= cut or spec is None or spec.started_at is None or report is None:
        return 0
    return max(0, report.read - report.refused_count - report.duplicates - report.outside - leads)


def _window(ws: Workspace, asked: Asked) -> tuple[int, int]:
    """Return between which starts a lead is asked for."""
    started_from = parse_when(asked.started_from, "--started-from", ws, otherwise=-NEVER)
    return started_from, parse_when(asked.started_before, "--started-before", ws, otherwise=NEVER)


def _undated(ws: Workspace, asked: Asked, definition: Definition | None) -> Population:
    given = {
        "--age": asked.age_days,
        "--as-of": asked.as_of,
        "--started-from": asked.started_from,
        "--started-before": asked.started_before,
    }
    for option, value in given.items():
        if value is not None:
            raise needs_dates(option)
    tables = read_tables(ws, definition)
    lead = np.flatnonzero(~tables.leads.ignored)
    left_out = dict.fromkeys(LEFT_OUT, 0) | {"ignored": int(tables.leads.ignored.sum())}
    return Population(tables, lead, np.zeros(len(lead), dtype=np.int64), left_out, None)


def needs_dates(option: str) -> InputError:
    """Return the refusal of an option that makes no sense without dates."""
    return InputError(f"{option} needs dates", given="a table of leads without any", expected=f"no {option}", do="leave it out")


def parse_when(text: str | None, option: str, ws: Workspace, *, otherwise: int = NEVER) -> int:
    """Read a time of the command line: a bare date is 00:00 of that day in the workspace's zone, another time needs a zone."""
    if text is None:
        return otherwise
    try:
        return parse_moment(text, timezone=ws.timezone)
    except TimeError:
        naive = re.match(_DATE_AND_MORE, text) is not None
        raise InputError(
            f"{option} is no time that can be read",
            given=repr(text),
            expected="a date such as 2026-05-07, or a time with its zone such as 2026-05-07T09:00:00Z",
            do="add the zone" if naive else "write it so",
        ) from None
