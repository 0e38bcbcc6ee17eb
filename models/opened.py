"""An opened workspace: what notebooks and analysts ask of the champion, every answer a DataFrame.

The leads are those open at the newest time in the data, the model is the champion, and the numbers are those that files and HTTP
give.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import DAY_US
from features.errors import InputError
from features.matrix import FeatureMatrix
from features.workspace import Workspace, load_workspace
from models.batch import matrices, score_population
from models.champion import Champion, need_champion
from models.fit import conditions_met, fit_and_behaviour
from models.live_place import place_among
from models.opened_changes import Between, change_table, fetch_version
from models.opened_what_if import Event, what_if_table
from models.population import Asked, Population, find_population
from models.worklist import best_first

BEHAVIOUR, FEATURE = "behaviour", "feature"


@dataclass(frozen=True)
class OpenWorkspace:
    """A workspace file, its champion, and the leads that are open now."""

    workspace: Workspace
    champion: Champion
    leads: Population

    @staticmethod
    def of(path: Path) -> OpenWorkspace:
        """Open a workspace file; refused where there is no champion."""
        workspace = load_workspace(path)
        champion = need_champion(workspace.name)
        return OpenWorkspace(workspace, champion, find_population(workspace, Asked(), champion.scorer.definition))

    def about(self) -> pd.DataFrame:
        """Return what is open: the model, its verdict, and how many leads there are."""
        facts = self.champion.scorer.meta.facts
        rows = {
            "workspace": self.workspace.name,
            "model version": self.champion.ref.version,
            "learnt from": f"{facts.get('leads'):,} leads, {facts.get('conversions'):,} of which paid",
            "known up to": facts.get("as_of"),
            "predicts": f"payment within {self.champion.scorer.meta.horizon_days:g} days",
            "verdict": facts.get("verdict"),
            "open leads": f"{len(self.leads.lead):,}",
        }
        return pd.DataFrame({"": rows.values()}, index=list(rows))

    def quality(self) -> pd.DataFrame:
        """Return the out-of-time figures with their intervals: the average over the fixed ages first, then each age (days)."""
        figures: Any = self.champion.scorer.meta.facts.get("figures") or {}
        parts = {"all ages": figures.get("macro", {})} | figures.get("by_age", {})
        ages = sorted(parts, key=lambda age: -1.0 if age == "all ages" else float(age))
        rows = [{"age": age, "figure": name} | dict(figure) for age in ages for name, figure in parts[age].items()]
        return pd.DataFrame(rows, columns=["age", "figure", "value", "low", "high", "n", "conversions"])

    def calibration(self) -> pd.DataFrame:
        """Return, for ten equal groups of leads by probability, what was promised and what happened, out of time."""
        groups: Any = self.champion.scorer.meta.facts.get("calibration_groups") or []
        return pd.DataFrame(groups, columns=["promised", "happened", "n"])

    def features(self) -> pd.DataFrame:
        """Return the feature matrix: lead_id, as_of, then the features in the order of the catalogue."""
        return pd.concat([matrix.frame(self.leads.tables.leads.ids) for matrix, _ in self._matrices], ignore_index=True)

    def scores(self, reasons: int = 0) -> pd.DataFrame:
        """Return a row a lead, ordered by id: probability, grade, stage, contact columns, and so many reasons as sentences.

        ``percentile`` is frozen with the model, as the grade is; ``percentile_live`` is counted among the leads open now, and
        missing where they are fewer than 20.
        """
        return self._table(self.leads, reasons)

    def list(self, top: int = 20) -> pd.DataFrame:
        """Return the open leads that are most likely to pay, best first, with three reasons each."""
        return self._table(best_first(self.workspace, self.champion, self.leads, top), 3)

    def importance(self, by: str = BEHAVIOUR) -> pd.DataFrame:
        """Return how far each behaviour, or each feature, moves the leads in their trial on average, largest first.

        By behaviour: mean absolute points (probability) and log-odds of its exact Shapley values. By feature: mean absolute
        log-odds, each feature its own player.
        """
        scorer = self.champion.scorer
        if by not in (BEHAVIOUR, FEATURE):
            raise InputError("importance knows no such part", given=repr(by), expected=f"{BEHAVIOUR} or {FEATURE}", do="name one")
        if by == FEATURE:
            sizes = np.concatenate([np.abs(scorer.column_contributions(self._x(matrix))) for matrix, _ in self._in_trial])
            meanings = [scorer.feature_set[name].meaning for name in scorer.names]
            table = pd.DataFrame({"name": scorer.names, "meaning": meanings, "mean_log_odds": sizes.mean(axis=0)})
            return table.sort_values("mean_log_odds", ascending=False, kind="stable").reset_index(drop=True)
        explained = [scorer.explain(self._x(matrix)) for matrix, _ in self._in_trial]
        points = np.concatenate([np.abs(one.points) for one in explained])
        log_odds = np.concatenate([np.abs(one.log_odds) for one in explained])
        names = [name.replace("_", " ") for name in explained[0].players]
        table = pd.DataFrame({"name": names, "mean_points": points.mean(axis=0), "mean_log_odds": log_odds.mean(axis=0)})
        table = table[table["mean_log_odds"] > 0]
        return table.sort_values("mean_points", ascending=False, kind="stable").reset_index(drop=True)

    def lead(self, lead_id: str) -> pd.DataFrame:
        """Return every reason of one open lead, the largest first; the base plus all points is the probability.

        In ``attrs`` stand, beside the score, both parts of those points, ``fit`` (what the lead is) and ``behaviour`` (what it
        does), and as ``ideal_customer`` which of the declared conditions it meets.
        """
        ids = self.leads.ids
        if lead_id not in ids:
            raise InputError("no such open lead", given=repr(lead_id), expected="the id of an open lead", do="take one of list()")
        only = self.leads.rows([ids.index(lead_id)])
        record = next(iter(score_population(self.workspace, self.champion, only, reasons=None)))
        table = pd.DataFrame(record["reasons"], columns=["player", "points", "text", "value", "typical", "feature", "log_odds"])
        table = table[table["points"] != 0].reset_index(drop=True)
        definition = self.champion.scorer.definition
        row = next(matrices(only, self.champion.scorer.feature_set))[0].row(0)
        table.attrs = {key: record[key] for key in ("lead_id", "probability", "base", "grade", "stage")}
        parts = fit_and_behaviour(record["reasons"], definition.attributes)
        table.attrs["fit"], table.attrs["behaviour"] = parts["fit"], parts["behaviour"]
        table.attrs["ideal_customer"] = conditions_met(row, self.workspace.ideal_customer)
        return table

    def changes(self, lead_id: str, since: str, version: str | None = None) -> pd.DataFrame:
        """Return why the score of one open lead is another one than as of `since`: in all, and by behaviour, time and model.

        The points of each part's reasons add up to it, and the parts to the difference. `version` looks at the time then; without
        one the champion looks at both.
        """
        key = since, version or self.champion.ref.version
        if key not in self._between:
            old = None if key[1] == self.champion.ref.version else fetch_version(self.workspace.name, key[1])
            self._between.clear()  # reading the files takes longest, and the next question is most often about the same time
            self._between[key] = Between.of(self.workspace, self.champion.scorer, self.leads, since, old)
        return change_table(self._between[key].record(lead_id))

    def what_if(
        self,
        lead_id: str,
        events: Sequence[Event] = (),
        *,
        attributes: Mapping[str, object] | None = None,
        trial_ends_at: str | None = None,
    ) -> pd.DataFrame:
        """Return how the score of one open lead would differ had it also done some events now: in all, and in two parts.

        ``activity`` is what doing anything at all would move, ``step`` what these very events move beyond that; the two add up to
        the difference. In ``attrs`` stand both probabilities. It is an association, not a promise of an effect.

        Raises
        ------
        InputError
            What is imagined cannot happen, such as an event that no behaviour counts.
        """
        return what_if_table(self.workspace, self.champion.scorer, self.leads, lead_id, events, attributes, trial_ends_at)

    def _table(self, who: Population, reasons: int) -> pd.DataFrame:
        contact = who.tables.leads.contact
        rows = []
        for place, record in zip(who.lead, score_population(self.workspace, self.champion, who, reasons=reasons), strict=True):
            row = {key: record[key] for key in ("lead_id", "as_of", "probability", "percentile")}
            row["percentile_live"] = None if row["probability"] is None else place_among(self._open_now, row["probability"])
            row |= {key: record[key] for key in ("grade", "stage")}
            row |= {name: values[place] for name, values in contact.items()}
            rows.append(row | {f"reason_{i + 1}": reason["text"] for i, reason in enumerate(record["reasons"])})
        return pd.DataFrame(rows)

    @cached_property
    def _open_now(self) -> NDArray[np.float64]:
        """The probabilities of the leads that are open now, rising."""
        found = (record["probability"] for record in score_population(self.workspace, self.champion, self.leads, reasons=0))
        return np.sort(np.array([one for one in found if one is not None], dtype=np.float64))

    def _x(self, matrix: FeatureMatrix) -> Any:
        return self.champion.scorer.select(matrix.features.names, matrix.values)

    @cached_property
    def _between(self) -> dict[tuple[str, str], Between]:
        return {}

    @cached_property
    def _matrices(self) -> builtins.list[tuple[FeatureMatrix, builtins.list[str]]]:
        return [*matrices(self.leads, self.champion.scorer.feature_set)]

    @cached_property
    def _in_trial(self) -> builtins.list[tuple[FeatureMatrix, builtins.list[str]]]:
        """The leads no older than those the model learnt from; all of them where none is so young, or nothing is dated."""
        oldest = self.champion.scorer.reference.oldest_age_days * DAY_US
        age = self.leads.as_of - self.leads.tables.leads.started_at[self.leads.lead]
        young = np.flatnonzero(age <= oldest)
        if self.workspace.data.undated or not len(young):
            return self._matrices
        return [*matrices(self.leads.rows(young), self.champion.scorer.feature_set)]
