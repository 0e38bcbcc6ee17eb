"""The sections of a proposed workspace file that look the same whatever tool the data came from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.inspecting.behaviours import EventGuess
from features.inspecting.columns import SAMPLE_ROWS
from features.inspecting.text import counted, line, listed, quoted

_MOST_UNMAPPED = 60
_NAME = 64


@dataclass(frozen=True, slots=True)
class Query:
    """A source that is a query; `url` is what the file may show of the address."""

    url: str
    text: str

    def lines(self, indent: str) -> list[str]:
        """Write it as YAML."""
        return [
            f"{indent}source:",
            f"{indent}  url: {self.url}",
            f"{indent}  query: |",
            *(f"{indent}    {row}" for row in self.text.splitlines()),
        ]


@dataclass(frozen=True, slots=True)
class Files:
    """A source that is a file or several; `folder` is where the workspace file will stand."""

    paths: tuple[Path, ...]
    folder: Path

    def lines(self, indent: str) -> list[str]:
        """Write it as YAML; a path starts at the workspace file, unless only an absolute one can be right."""
        where = self.folder
        shown = [
            os.path.relpath(path, where) if not path.is_absolute() or where.is_absolute() else str(path) for path in self.paths
        ]
        return [f"{indent}source: {quoted(shown[0]) if len(shown) == 1 else listed(shown)}"]


Source = Query | Files


def head_lines(seen: str, name: str, *notes: str) -> list[str]:
    """Write what stands above the data: where all this comes from, and whose days count."""
    return [
        line("", f"Written by trialwise init from {seen}."),
        f"# Every guess says what it rests on: the first {SAMPLE_ROWS:,} rows of each table at most. Events are counted in full.",
        *(line("", note) for note in notes),
        "# Correct what is wrong; then run: trialwise check -w THIS_FILE",
        "version: 1",
        line(f"name: {quoted(name)}", "also the MLflow experiment and the registered model"),
        line("language: en", "en, tr or de"),
        line("timezone: UTC", "whose days and hours count? an IANA name such as Europe/Istanbul"),
        "data:",
    ]


def workspace_name(given: str | None, folder: Path) -> str:
    """Return a name for the workspace: the one given, or that of the folder."""
    plain = re.sub(r"[^a-z0-9]+", "_", folder.absolute().name.lower()).strip("_")
    return given or plain[:_NAME] or "my_product"


def learning_lines(of_events: str, of_conversions: str, notes: Sequence[str] = ()) -> list[str]:
    """Write what a trial is and what is to be learnt."""
    return [
        line(f"resolution: {{events: {of_events}, conversions: {of_conversions}}}", "; ".join(notes) or "or day"),
        line("trial: {days: 14}", "how long is your trial? {days: none} if it never ends"),
        line("label: {horizon_days: 30}", "a lead counts as converted when it pays within so many days"),
    ]


def start_lines(guess: EventGuess) -> list[str]:
    """Write where leads come from if there is no table of them."""
    if guess.starts:
        return [
            "  leads:",
            line(f"    start: {listed(guess.starts)}", "events that seem to start a trial; who has none of them is no lead"),
        ]
    return [line("  ", "no leads: a lead starts at its first event")]


def payment_lines(guess: EventGuess) -> list[str]:
    """Write which events mean a payment, or that nothing is known of any."""
    if guess.payments:
        times = sum(guess.kept.get(one, 0) for one in guess.payments)
        note = f"events that seem to be the payment, {times:,} in all"
        return ["  conversions:", line(f"    events: {listed(guess.payments)}", note)]
    return [
        line("  ", "conversions: not found. Without them there is nothing to learn from; add a table or the events of a payment"),
        line("  ", "conversions: {events: [subscription_started]}"),
    ]


def behaviour_lines(guess: EventGuess, duration: str | None = None, amount: str | None = None) -> list[str]:
    """Write which events mean which behaviour, with their volumes, and which ones nothing is known of."""
    extras = {"session": ("duration", duration), "add_on": ("amount", amount)}
    lines = [line("behaviours:", "your events -> the behaviours that features and reasons speak of; by the words in their names")]
    for behaviour, patterns in guess.behaviours.items():
        key, column = extras.get(behaviour, ("", None))
        extra = f", {key}: {quoted(column)}" if column is not None else ""
        note = counted(guess.taken[behaviour]) + ("; duration in seconds?" if key == "duration" and extra else "")
        lines.append(line(f"  {behaviour}: {{events: {listed(patterns)}{extra}}}", note))
    for what, names in (("payment", guess.payments), ("start of the trial", guess.starts)):
        if names:
            lines.append(line("  ", f"not mapped on purpose, being the {what}: {', '.join(names)}"))
    return lines + _unmapped_lines(guess.unmapped)


def _unmapped_lines(unmapped: Mapping[str, int]) -> list[str]:
    if not unmapped:
        return []
    shown = list(unmapped.items())[:_MOST_UNMAPPED]
    lines = [line("  ", "not mapped; each distinct name that is a feature of the product belongs under core_use:")]
    lines += [line("  ", f"{name}: {counted(count)}") for name, count in shown]
    if len(unmapped) > len(shown):
        lines.append(line("  ", f"and {len(unmapped) - len(shown):,} more names"))
    return lines


def closing_lines() -> list[str]:
    """Write what every file ends with."""
    return ["exclude: []", "allow: []", line("capacity: {contacts_per_week: 50}", "how many leads can be contacted in a week?")]
