"""Why an open lead's score changed, from the files: the split that the server answers, number by number."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.clock import format_us
from features.errors import InputError
from features.matrix import FeatureMatrix, compute
from features.workspace import Workspace
from models import registry
from models.artifact import load
from models.batch import phrasing
from models.change_phrasing import from_to
from models.change_reasons import change_record
from models.changes import Looks
from models.population import Asked, Population, find_population, needs_dates
from models.scorer import Scorer

COLUMNS = ["part", "player", "points", "log_odds", "text_before", "text"]
WHOLE = "all"


@dataclass(frozen=True, slots=True)
class Between:
    """Two instants of a workspace's files, each as one model has them and as another has them; the two may be one."""

    workspace: Workspace
    old: Side
    new: Side

    @staticmethod
    def of(ws: Workspace, new: Scorer, leads: Population, since: str, old: Scorer | None = None) -> Between:
        """Read the files as they were known at `since`; `leads` are those open now, as `new` has them.

        Raises
        ------
        InputError
            Nothing is dated, or since is no time, or one after the data.
        """
        if leads.at is None:
            raise needs_dates("since")
        side = Side(new, _as_of(ws, new, since), leads)
        if side.then.at is not None and side.then.at > leads.at:
            given, expected = format_us(side.then.at), f"a time up to {format_us(leads.at)}"
            raise InputError("since lies after the data", given=given, expected=expected, do="name an earlier time")
        if old is None:
            return Between(ws, side, side)
        return Between(ws, Side(old, _as_of(ws, old, since), _as_of(ws, old, format_us(leads.at))), side)

    def record(self, lead_id: str) -> dict[str, Any]:
        """Return why the score of a lead that was open then and is open now changed, with every reason of it."""
        new = self.new.looks(lead_id)
        old = new if self.old is self.new else self.old.looks(lead_id)
        words = phrasing(self.workspace)
        then, now = (_probability(one.scorer, matrix) for one, matrix in ((old, old.then), (new, new.now)))
        return {
            "lead_id": lead_id,
            "since": format_us(int(new.then.as_of[0])),
            "as_of": format_us(int(new.now.as_of[0])),
            "then": then,
            "now": now,
            "text": from_to(words.language, "whole", then, now),
            **change_record(old, new, words, None),
        }


@dataclass(frozen=True, slots=True)
class Side:
    """One model, with the leads that were open then and those that are open now."""

    scorer: Scorer
    then: Population
    now: Population

    def looks(self, lead_id: str) -> Looks:
        """Return a lead as it was known then, the same looked at now, and as it is known now."""
        pairs = ((self.then, self.then), (self.then, self.now), (self.now, self.now))
        return Looks(self.scorer, *(_look(self.scorer, known, lead_id, at) for known, at in pairs))


def change_table(record: dict[str, Any]) -> pd.DataFrame:
    """Return a row for each reason that is not 0, the whole change first, then its parts; the probabilities are attributes."""
    parts = {WHOLE: record, **record["parts"]}
    rows = [{"part": name, **reason} for name, part in parts.items() for reason in part["reasons"] if reason["points"] != 0]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table.attrs = {key: record[key] for key in ("lead_id", "since", "as_of", "then", "now", "text")}
    return table


def fetch_version(name: str, version: str) -> Scorer:
    """Return a registered version, read strictly and checked against its digest."""
    ref = registry.version(name, version)
    if ref is None:
        raise InputError("no such version", given=repr(version), expected="a registered one", do="see trialwise models")
    with tempfile.TemporaryDirectory() as scratch:
        return load(registry.download(ref, Path(scratch)), digest=ref.digest)


def _as_of(ws: Workspace, scorer: Scorer, instant: str) -> Population:
    return find_population(ws, Asked(as_of=instant), scorer.definition)


def _look(scorer: Scorer, known: Population, lead_id: str, at: Population) -> FeatureMatrix:
    """Return the features of one lead from what was known at one instant, as of another."""
    if lead_id not in known.ids:
        when = "now" if known.at is None else format_us(known.at)
        given = f"{lead_id!r} as of {when}"
        raise InputError("no such open lead", given=given, expected="the id of a lead open then", do="take another time")
    place = known.lead[known.ids.index(lead_id)]
    as_of = np.array([at.at], dtype=np.int64)
    return compute(scorer.feature_set, known.tables, np.array([place], dtype=np.int64), as_of)


def _probability(scorer: Scorer, matrix: FeatureMatrix) -> float:
    return float(scorer.probability(scorer.select(matrix.features.names, matrix.values))[0])
