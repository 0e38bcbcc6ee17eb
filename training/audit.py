"""The leakage audit: which columns and events know the answer (`leak`), and which only a person can vouch for (`ask`).

A `leak` is proved by the data, whatever things are called; an `ask` is a name or a shape that says that a value is written or
updated after sign-up. Both stop a check and a training until each of them stands under ``exclude:`` (it is then never used) or
``allow:`` (somebody knows that it is honest). Read ``audit_columns``, ``audit_afterwards``, ``audit_events``, ``audit_features``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import NEVER
from features.errors import StoppedError
from features.names import fold
from features.reading.inactivity import close_inactive
from features.reading.table_report import Finding
from features.tables import Tables
from features.workspace import Workspace
from training.audit_afterwards import counts_afterwards, dates_afterwards
from training.audit_columns import FEWEST_LEADS, Columns, column_leaks, column_questions
from training.audit_events import event_leaks
from training.audit_features import feature_leaks
from training.audit_leads import judged_leads, thinned
from training.column_power import Judged

STOPPING = ("leak", "ask")
_TOLD = 6


def audit(ws: Workspace, tables: Tables, *, as_of: int | None = None) -> tuple[Finding, ...]:
    """Return what the audit finds in tables as they were known at ``as_of`` (by default: at the end of the data).

    The tables must be those of that instant, as ``read_tables(ws, cut=as_of)`` gives them. Allowed columns come back as `info`,
    excluded ones not at all. Without a column of outcomes there is nothing to audit.
    """
    leads = tables.leads
    if not len(leads) or not (ws.undated or ws.data.conversions is not None):
        return ()
    now = tables.newest if as_of is None else as_of
    tables = thinned(close_inactive(ws, tables))
    judged = judged_leads(ws, tables, now)
    found = chain(_unproven(judged), _of_columns(ws, tables, judged), _of_time(ws, tables, judged, now))
    return tuple(_settled(ws, found))


def stop_at(findings: Iterable[Finding]) -> None:
    """Stop the work if something needs an answer first.

    Raises
    ------
    StoppedError
        It names the columns, with the evidence for the first of them.
    """
    open_ones = [finding for finding in findings if finding.level in STOPPING]
    if not open_ones:
        return
    told = "; ".join(f"{one.level}: {one.column} ({one.evidence})" for one in open_ones[:_TOLD])
    more = f"; and {', '.join(one.column for one in open_ones[_TOLD:])}" if len(open_ones) > _TOLD else ""
    raise StoppedError(
        "the leakage audit stopped the training",
        given=told + more,
        expected="only columns that are known when a lead is scored",
        do="put each of them under exclude:, or under allow: if you know that it is honest",
    )


def stop_at_silence(stopped: Iterable[Finding]) -> None:
    """Stop the work if behaviours are silent, or new names come in, that nobody expects: a model would learn from the gap.

    Raises
    ------
    StoppedError
        It names them.
    """
    told = "; ".join(f"{one.column} ({one.evidence})" for one in stopped)
    if told:
        raise StoppedError(
            "the events are not what they were, so the training stopped",
            given=told,
            expected="events of every behaviour up to the end of the data, and no new name of some volume beside them",
            do="repair what sends them, map a new name to its behaviour, or put the name under allow: if it is meant to be so",
        )


def _unproven(judged: Judged) -> Iterator[Finding]:
    if judged.conversions < FEWEST_LEADS or len(judged) - judged.conversions < FEWEST_LEADS:
        evidence = (
            f"{judged.conversions:,} of the {len(judged):,} leads whose horizon is over convert: with fewer than {FEWEST_LEADS} "
            f"of either kind the leakage audit can prove nothing"
        )
        yield Finding("info", "data.conversions" if judged.conversions < FEWEST_LEADS else "data.leads", evidence)


def _of_columns(ws: Workspace, tables: Tables, judged: Judged) -> Iterator[Finding]:
    excluded = set(ws.exclude)
    attributes: Columns = {name: values for name, values in tables.leads.attributes.items() if name not in excluded}
    traits: Columns = {name: values for name, values in tables.leads.traits.items() if name not in excluded}
    traits = {name: values for name, values in traits.items() if name not in attributes}
    filled = {name: _filled(values) for name, values in traits.items()}
    if judged.conversions >= FEWEST_LEADS:
        yield from column_leaks({**attributes, **filled}, judged)
        if not ws.undated:
            yield from counts_afterwards(attributes, tables, judged.lead)
    if not ws.undated:
        yield from dates_afterwards(attributes, tables, judged.lead)
    yield from column_questions(attributes, judged)
    yield from column_questions(filled, judged, together=False)


def _of_time(ws: Workspace, tables: Tables, judged: Judged, now: int) -> Iterator[Finding]:
    if ws.undated or judged.conversions < FEWEST_LEADS or not (tables.leads.converted_at < NEVER).any():
        return
    yield from event_leaks(ws, tables, judged, now)
    yield from feature_leaks(ws, tables, now)


def _settled(ws: Workspace, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Say each column once, the worst that is known of it, and leave out what a person has answered."""
    excluded, allowed = ({form for name in names for form in (name, fold(name))} for names in (ws.exclude, ws.allow))
    order = ("leak", "ask", "warn", "info")
    said: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda one: order.index(one.level)):
        if finding.column not in said and finding.column not in excluded:
            said[finding.column] = finding
    for finding in said.values():
        if finding.column in allowed and finding.level in STOPPING:
            yield Finding("info", finding.column, f"allowed in the workspace file ({finding.level}): {finding.evidence}")
        elif finding.column not in allowed or finding.level == "info":
            yield finding


def _filled(values: NDArray[Any]) -> NDArray[np.object_]:
    """Return what a profile's feature sees of a trait: whether it is there, not what it is."""
    return np.array([None if value is None else "filled" for value in values], dtype=object)
