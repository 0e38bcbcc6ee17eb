"""The funnel: do product-qualified leads close better than marketing- and sales-qualified ones, and how soon do they pay?

Each lead of the last fold is looked at once, at one fixed age, and stands in the stage that it would have been shown in then: by
what it had done and by the probability that the rehearsal gave it. What it did afterwards is not looked at, so a lead that sales
called on the day it paid is not counted as a success of that call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, NEVER
from features.matrix import compute
from features.workspace import Workspace
from models.scorer import Scorer
from models.stages import LEAD, MQL, PQL, SQL, StageRules, stages
from training.clustered import Ints, figure, share, standard_error
from training.dataset import TrainingSet
from training.evaluation import REPLICATES, Answers, Figure, resampled, with_interval
from training.gains import percent
from training.metrics import Floats

ORDER = (PQL, SQL, MQL, LEAD)
NAMES = {PQL: "PQL", SQL: "SQL", MQL: "MQL", LEAD: "Others"}
FEWEST_PAID = 5
"""Below so many payers the days to pay are not told."""
FEWEST_TO_COMPARE = 10
"""Below so many leads a stage is not compared with the PQLs in words."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The leads of one stage: the share that converted, and the median days from the start of the trial to the payment."""

    name: str
    leads: int
    rate: Figure
    days_to_pay: Figure | None
    behind: Figure | None
    """The PQLs' share minus this one's."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        days, behind = (one.as_dict() if one else None for one in (self.days_to_pay, self.behind))
        return {"stage": self.name, "leads": self.leads, "rate": self.rate.as_dict(), "days_to_pay": days, "pql_minus": behind}


@dataclass(frozen=True, slots=True)
class Funnel:
    """The stages as of one look, PQLs first."""

    age_days: float | None
    horizon_days: float
    stages: list[Stage]

    @property
    def sentence(self) -> str:
        """The answer in one paragraph."""
        return " ".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """Answer in words, a line a stage: an interval that includes no difference is called so."""
        by_name = {stage.name: stage for stage in self.stages}
        pql = by_name.get(NAMES[PQL])
        if pql is None:
            return ["No lead was product-qualified at this look, so nothing can be compared."]
        told = [_compared(pql, by_name[NAMES[name]]) for name in ORDER[1:] if NAMES[name] in by_name]
        return [f"PQLs: {percent(pql.rate)} convert.", *told]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        found = [stage.as_dict() for stage in self.stages]
        return {"age_days": self.age_days, "horizon_days": self.horizon_days, "stages": found, "sentence": self.sentence}


def funnel(ws: Workspace, data: TrainingSet, answers: Answers, scorer: Scorer, *, seed: int) -> Funnel | None:
    """Return the conversion of each stage as of the look nearest to the middle of the trial; None where nobody is looked at then.

    Shares have Wilson intervals, narrowed to the number of accounts by their design effect; days to pay are medians with a
    bootstrap over clusters; differences have the normal interval of the clusters' sums.
    """
    rows = data.exam.rows.take(data.folds.last.examine)
    look = _middle_look(ws, data, answers)
    here = np.flatnonzero(answers.look == look)
    if not len(here):
        return None
    lead, as_of = rows.lead[here], rows.as_of[here]
    matrix = compute(scorer.feature_set, data.tables, lead, as_of)
    nobody = np.zeros(len(here), dtype=bool)
    found = np.array(
        stages(
            matrix, answers.probability[here], scorer.reference, nobody,
            rules=StageRules.of(ws, scorer),
        )
    )  # fmt: skip
    days = None if ws.data.undated else _days_to_pay(data, lead)
    outcome, cluster = answers.outcome[here], answers.cluster[here]
    told = [_stage(name, found, outcome, cluster, days, seed) for name in ORDER if (found == name).any()]
    return Funnel(None if ws.data.undated else float(data.ages_days[look]), ws.label.horizon_days, told)


def _middle_look(ws: Workspace, data: TrainingSet, answers: Answers) -> int:
    if ws.data.undated:
        return int(answers.look[0])
    middle = (ws.trial.days or max(data.ages_days)) / 2
    looks: list[int] = np.unique(answers.look).tolist()
    return min(looks, key=lambda look: abs(data.ages_days[look] - middle))


def _days_to_pay(data: TrainingSet, lead: Ints) -> Floats:
    leads = data.tables.leads
    started, paid = leads.started_at[lead], leads.converted_at[lead]
    return np.where(paid < NEVER, (np.where(paid < NEVER, paid, started) - started) / DAY_US, np.nan)


def _stage(name: str, found: NDArray[Any], outcome: Ints, cluster: Ints, days: Floats | None, seed: int) -> Stage:
    mine = found == name
    rate = share(outcome[mine], cluster[mine])
    paid = mine & (outcome == 1)
    pqls = found == PQL
    behind = _difference(outcome, cluster, pqls, mine) if name != PQL and pqls.any() else None
    return Stage(NAMES[name], rate.n, rate, _median(days[paid], cluster[paid], seed) if days is not None else None, behind)


def _difference(outcome: Ints, cluster: Ints, one: NDArray[np.bool_], other: NDArray[np.bool_]) -> Figure:
    """Return the share of one group minus that of another; accounts may have leads in both."""
    y = outcome.astype(np.float64)
    first, second = float(y[one].mean()), float(y[other].mean())
    influence = np.where(one, (y - first) / one.sum(), 0.0) - np.where(other, (y - second) / other.sum(), 0.0)
    both = one | other
    error = standard_error(influence[both], cluster[both])
    return figure(first - second, error, int(both.sum()), int(outcome[both].sum()))


def _median(days: Floats, cluster: Ints, seed: int) -> Figure | None:
    if len(days) < FEWEST_PAID:
        return None
    _, place = np.unique(cluster, return_inverse=True)
    order = np.argsort(days, kind="stable")
    ranked, place = days[order], place[order]
    rng = np.random.default_rng(seed)
    drawn = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        weight = np.cumsum(resampled(rng, int(place.max()) + 1)[place])
        drawn[replicate] = ranked[np.searchsorted(weight, weight[-1] / 2.0)]
    return with_interval(float(np.median(days)), drawn, len(days), len(days))


def _compared(pql: Stage, other: Stage) -> str:
    told = f"{other.name if other.name == NAMES[LEAD] else other.name + 's'}: {percent(other.rate)}"
    gap = other.behind
    if gap is None or min(pql.leads, other.leads) < FEWEST_TO_COMPARE:
        return f"{told}, too few to compare."
    word = "PQLs close better" if gap.low > 0.0 else "PQLs close worse" if gap.high < 0.0 else "no difference is shown"
    return f"{told}; {word} ({100 * gap.value:+.1f} points [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}])."
