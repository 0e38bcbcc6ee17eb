"""Content: what a report is made of, gathered once a training is done and the gate has decided."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.clock import format_us
from features.inspecting.silence import silent
from features.tables import Tables
from features.workspace import Workspace
from models.scorer import Scorer
from training.dataset import TrainingSet
from training.evaluation import Evaluation
from training.examination import Examination, Explained
from training.promotion import Gate
from training.verdict import Verdict

MOST_UNMAPPED = 10
_OF_A_PERSON = re.compile(r"@|\d{5}")
"""What an event name may not hold to be shown: it could be somebody's address, or an id."""


@dataclass(frozen=True, slots=True)
class TableQuality:
    """What became of the rows of one table."""

    name: str
    read: int
    refused: Mapping[str, int]
    duplicates: int
    outside: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What the data were like: rows by table, looks that were dropped, names nobody maps, behaviours that fell silent."""

    tables: list[TableQuality]
    dropped: Mapping[str, int]
    unmapped: list[tuple[str, int]]
    unmapped_names: int
    unmapped_events: int
    silent: list[str]


@dataclass(frozen=True, slots=True)
class Beaten:
    """The champion that was to beat, as far as the report tells of it."""

    version: str
    facts: Mapping[str, Any]
    names: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that the report tells."""

    scorer: Scorer
    verdict: Verdict
    gate: Gate
    evaluation: Evaluation | None
    examination: Examination
    explained: Explained
    quality: Quality
    champion: Beaten | None
    ages_days: tuple[float, ...]
    time_forward: bool

    @property
    def facts(self) -> Mapping[str, Any]:
        """The facts of the model."""
        return self.scorer.meta.facts

    @property
    def used(self) -> tuple[str, ...]:
        """The features that can change the answer."""
        return used_features(self.scorer)


def gather(
    ws: Workspace,
    data: TrainingSet,
    scorer: Scorer,
    verdict: Verdict,
    gate: Gate,
    evaluation: Evaluation | None,
    examination: Examination,
    explained: Explained,
    champion: Scorer | None,
    version: str,
) -> Content:
    """Gather what a report is made of; `champion` is the one that the gate compared with, of that version."""
    before = None
    if champion is not None:
        before = Beaten(version, champion.meta.facts, used_features(champion), champion.definition.fingerprint)
    return Content(
        scorer, verdict, gate, evaluation, examination, explained, quality_of(ws, data), before, data.ages_days,
        data.folds.time_forward,
    )  # fmt: skip


def used_features(scorer: Scorer) -> tuple[str, ...]:
    """Return the names of the columns that can change the answer."""
    return tuple(scorer.names[place] for place in scorer.learner.used.tolist())


def quality_of(ws: Workspace, data: TrainingSet) -> Quality:
    """Return what the data were like."""
    tables = data.tables
    shown = {name: count for name, count in tables.unmapped.items() if not _OF_A_PERSON.search(name)}
    most = sorted(shown.items(), key=lambda item: (-item[1], item[0]))[:MOST_UNMAPPED]
    quiet = [] if ws.data.undated else [f"{one.column}: {one.evidence}" for one in silent(ws, tables, now=data.window.now)]
    quiet = [line for line in quiet if not _OF_A_PERSON.search(line)]
    return Quality(_tables(tables), data.dropped, most, len(tables.unmapped), sum(tables.unmapped.values()), quiet)


def _tables(tables: Tables) -> list[TableQuality]:
    found = []
    for name, report in tables.report.items():
        first, last = ("" if at is None else format_us(at)[:10] for at in (report.first, report.last))
        refused = dict(sorted(report.reasons().items()))
        found.append(TableQuality(name, report.read, refused, report.duplicates, report.outside, first, last))
    return found


def named(sequence: Sequence[str], most: int = 12) -> str:
    """Join names, and say how many there are beyond the first ones.

    >>> named(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    if len(sequence) <= most:
        return ", ".join(sequence)
    return f"{', '.join(sequence[:most])} and {len(sequence) - most} more"
