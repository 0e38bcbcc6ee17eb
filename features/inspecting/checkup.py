"""The check of a workspace's data before anything is learnt: what was refused, doubled, unmapped, late, silent, in the future."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.clock import DAY_US, NEVER, now_us
from features.inspecting.checkup_names import idle_conditions, idle_exclusions, idle_patterns, idle_traits
from features.inspecting.checkup_times import days_as_instants, in_the_future, local_day
from features.inspecting.silence import silent
from features.reading.sources import StoreReader
from features.reading.table_report import Finding, TableReport
from features.tables import Tables, read_tables
from features.workspaces.schema import Workspace

Audit = Callable[[Workspace, Tables], Iterable[Finding]]

STOPPING = ("error", "ask", "leak")
_SHOWN = 10
_NOTABLE = 0.01
"""Shares of events below this are not worth a warning."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found."""

    tables: dict[str, TableReport]
    unmapped: dict[str, int]
    findings: tuple[Finding, ...]
    timezone: str
    """Whose days people are told."""

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the way of a training."""
        return not any(finding.level in STOPPING for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of ``check --json``."""
        return {
            "tables": {name: table.as_dict() for name, table in self.tables.items()},
            "unmapped": self.unmapped,
            "findings": [finding.as_dict() for finding in self.findings],
            "ok": self.ok,
        }

    def lines(self) -> Iterator[str]:
        """Yield the report for people, line by line."""
        for name, table in self.tables.items():
            days = [local_day(us, self.timezone) for us in (table.first, table.last) if us is not None]
            span = f", {' to '.join(days)}" if days else ""
            counted = f"{_many(table.read, 'row')} read, {table.refused_count:,} refused, {_many(table.duplicates, 'duplicate')}"
            yield f"{name}: {counted}{span}"
            refused = table.refused
            for reason, count in sorted(table.reasons().items()):
                where = [f"{one.origin}:{one.line}" for one in refused if one.reason == reason][:_SHOWN]
                yield f"  refused {count:,} x {reason}: {', '.join(where)}{', ...' if count > len(where) else ''}"
            if table.outside:
                yield f"  {_many(table.outside, 'row')} sound but not asked for"
        if self.unmapped:
            yield f"unmapped event names: {len(self.unmapped):,}"
            for name, count in list(self.unmapped.items())[:_SHOWN]:
                yield f"  {name}: {_many(count, 'event')}"
        for finding in self.findings:
            yield f"{finding.level}: {finding.column}: {finding.evidence}"
        yield "ready for training" if self.ok else "not ready for training: see the lines that begin with error, ask or leak"


def check(ws: Workspace, *, audit: Audit | None = None, store: StoreReader | None = None, now: int | None = None) -> CheckReport:
    """Read all data of a workspace and report what a person should know about it.

    ``audit`` looks for leaks in the tables; it comes from outside, since this chapter does not know how a model learns.
    """
    tables = read_tables(ws, store=store)
    return report_of(ws, tables, now=now_us() if now is None else now, findings=() if audit is None else audit(ws, tables))


def report_of(ws: Workspace, tables: Tables, *, now: int, findings: Iterable[Finding] = ()) -> CheckReport:
    """Return the report on tables that are read already, together with what others have found in them."""
    found = [*tables.findings, *findings, *in_the_future(ws, tables, now), *silent(ws, tables, now=min(now, tables.newest))]
    names = (_unmapped, idle_patterns, idle_conditions, idle_traits, idle_exclusions)
    for look in (_refused, _duplicates, *names, days_as_instants, _late, _leads, _outcomes):
        found += look(ws, tables)
    order = ("error", "leak", "ask", "warn", "info")
    found.sort(key=lambda finding: order.index(finding.level))
    unmapped = dict(sorted(tables.unmapped.items(), key=lambda item: (-item[1], item[0])))
    return CheckReport(tables.report, unmapped, tuple(found), ws.timezone)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({100 * part / max(whole, 1):.1f} %)"


def _refused(_: Workspace, tables: Tables) -> Iterator[Finding]:
    for name, table in tables.report.items():
        for reason, count in sorted(table.reasons().items()):
            sample = f", such as '{table.samples[reason]}'" if reason in table.samples else ""
            yield Finding("warn", f"data.{name}", f"{_share(count, table.read)} rows refused: {reason.replace('_', ' ')}{sample}")


def _duplicates(_: Workspace, tables: Tables) -> Iterator[Finding]:
    for name, table in tables.report.items():
        if table.duplicates:
            yield Finding("info", f"data.{name}", f"{_share(table.duplicates, table.read)} rows are repeated and count once")


def _unmapped(ws: Workspace, tables: Tables) -> Iterator[Finding]:
    total, unmapped = len(tables.events), sum(tables.unmapped.values())
    if unmapped > _NOTABLE * total:
        most = max(sorted(tables.unmapped), key=lambda name: tables.unmapped[name])
        evidence = f"{_share(unmapped, total)} events have a name that no behaviour maps, most of them '{most}'"
        yield Finding("warn" if ws.behaviours else "info", "behaviours", evidence)


def _late(ws: Workspace, tables: Tables) -> Iterator[Finding]:
    if ws.data.events is None or ws.data.events.received_at is None:
        return
    late = int(np.count_nonzero(tables.events.known - tables.events.at > DAY_US))
    if late:
        evidence = f"{_share(late, len(tables.events))} events arrived more than a day late; features see them from then on"
        yield Finding("warn" if late > _NOTABLE * len(tables.events) else "info", ws.data.events.received_at, evidence)


def _leads(_: Workspace, tables: Tables) -> Iterator[Finding]:
    leads, events = tables.leads, tables.events
    if not len(leads):
        yield Finding("error", "data.leads", "no lead is left to learn from")
        return
    if len(events):
        active = len(np.unique(events.lead))
        if active < len(leads):
            yield Finding("info", "data.events", f"{_share(len(leads) - active, len(leads))} leads have no event")
        before = int(np.count_nonzero(events.at < leads.started_at[events.lead]))
        if before:
            yield Finding("info", "data.events", f"{_share(before, len(events))} events lie before the start of their lead")
    ignored = int(leads.ignored.sum())
    if ignored:
        yield Finding("info", "ignore", f"{_share(ignored, len(leads))} leads are ignored as the workspace file asks")
    for name, values in leads.attributes.items():
        known = np.array([value is not None for value in values]) if values.dtype == object else ~np.isnan(values)
        if not known.any():
            yield Finding("warn", name, "no lead has a value of this attribute")


def _outcomes(ws: Workspace, tables: Tables) -> Iterator[Finding]:
    leads, events = tables.leads, tables.events
    paid = leads.converted_flag == 1 if ws.undated else leads.converted_at < NEVER
    if not ws.undated and ws.data.conversions is None:
        yield Finding("info", "data.conversions", "there is no table of conversions: leads can be scored, but nothing learnt")
    elif len(leads):
        count = int(paid.sum())
        if count in (0, len(leads)):
            what = "no lead converts" if count == 0 else "every lead converts"
            yield Finding("error", "data.conversions", f"{what}: a model needs leads that do and leads that do not")
        else:
            yield Finding("info", "data.conversions", f"{_share(count, len(leads))} leads convert")
    early = int(np.count_nonzero(leads.converted_at < leads.started_at))
    if early:
        evidence = f"{_share(early, len(leads))} leads convert before they start, and are never looked at"
        yield Finding("warn", "data.conversions", evidence)
    if len(events):
        after = int(np.count_nonzero(events.at > leads.converted_at[events.lead]))
        if after:
            evidence = f"{_share(after, len(events))} events lie after the conversion of their lead; no feature sees them"
            yield Finding("info", "data.events", evidence)
