"""Slices: does the model do as well for every kind of lead, and which kind is it worst for.

Two questions are asked of each slice: do its promises hold (promised minus happened), and are its leads ranked worse than the
others (their area under the curve minus that of the rest). A slice is named worst only when its interval says so after paying for
all the questions asked: of m questions each is put at the level 1 - 0.05 / m (Bonferroni), so that a model without any bad
slice has one named in at most about 5 of 100 trainings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.calibration_check import Part, age_thirds, enough
from training.clustered import auc_with_influence, figure, mean_of, standard_error
from training.dataset import TrainingSet
from training.evaluation import Answers, Figure
from training.metrics import Floats

LARGEST = 5
"""How many categories of an attribute are slices of their own."""
LISTED = 30
"""A slice with fewer leads is not listed: little could be said of it, and what is said might be of one person."""
ERRORS = 0.05
FEWEST_CLUSTERS = 20
"""Below so many converting accounts, or leads, the normal interval of a slice is not believed: it is not questioned."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The figures of some leads; the intervals are the usual 95 %."""

    group: str
    name: str
    n: int
    conversions: int
    promised: float
    happened: float
    gap: Figure
    auc: Figure | None
    behind: Figure | None
    """The area under the curve minus that of all other leads."""
    questioned: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        told = {"group": self.group, "name": self.name, "leads": self.n, "conversions": self.conversions}
        told |= {"promised": self.promised, "happened": self.happened, "gap": self.gap.as_dict()}
        return {**told, "auc": self.auc.as_dict() if self.auc else None}


@dataclass(frozen=True, slots=True)
class Slices:
    """Every slice, how many questions were asked, and the worst one in a sentence, if there is one."""

    all: list[Slice]
    questions: int
    worst: Slice | None
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        worst = {"group": self.worst.group, "name": self.worst.name} if self.worst else None
        return {"questions": self.questions, "worst": worst, "sentence": self.sentence, "slices": [s.as_dict() for s in self.all]}


def slice_up(answers: Answers, parts: Sequence[Part]) -> Slices:
    """Return the figures of every part, and the worst one."""
    found = [_sliced(answers, part) for part in parts if len(np.unique(answers.lead[part.keep])) >= LISTED]
    asked = [one for one in found if one.questioned]
    questions = sum(1 + (one.behind is not None) for one in asked)
    level = 1.0 - ERRORS / max(questions, 1)
    accused = [(z, one, told) for one in asked for z, told in _accusations(one, level)]
    if not accused:
        return Slices(found, questions, None, f"No slice is shown to be worse than the rest ({questions} questions asked).")
    _, worst, sentence = max(accused, key=lambda item: item[0])
    return Slices(found, questions, worst, f"{sentence} (sure after {questions} questions).")


def parts_of(data: TrainingSet, answers: Answers, new_account: NDArray[np.bool_]) -> list[Part]:
    """Return the slices to look at: ages, new accounts, early and late starts, the categories and thirds of attributes."""
    rows = data.exam.rows.take(data.folds.last.examine)
    parts = list(age_thirds(answers, data.ages_days))
    if data.definition.accounts and 0 < new_account.mean() < 1:
        parts += [Part("account", "not seen in training", new_account), Part("account", "seen in training", ~new_account)]
    if data.folds.time_forward:
        late = rows.started_at > np.median(rows.started_at)
        parts += [Part("start", "first half", ~late), Part("start", "second half", late)]
    return parts + list(attribute_parts(data, LARGEST))


def attribute_parts(
    data: TrainingSet, largest: int, *, numbers: bool = True, rows: NDArray[np.int64] | None = None
) -> Iterator[Part]:
    """Yield the largest categories of each attribute, its missing values, and the thirds of those that are numbers.

    Of the looks of the last fold, or of those at ``rows``.
    """
    x = data.exam.x[data.folds.last.examine if rows is None else rows]
    for place, column in enumerate(data.columns):
        if column.name not in data.definition.attributes:
            continue
        values = x[:, place]
        if column.kind == "category":
            yield from _categories(column.name, values, data.definition.categories.get(column.name, ()), largest)
        elif numbers:
            yield from _thirds(column.name, values)
        if numbers and np.isnan(values).any():
            yield Part(column.name, "missing", np.isnan(values))


def _categories(name: str, codes: Floats, known: Sequence[str], largest: int) -> Iterator[Part]:
    counts = np.bincount(codes[codes >= 1].astype(np.int64), minlength=len(known) + 1)
    for code in np.argsort(-counts, kind="stable")[:largest].tolist():
        if code >= 1 and counts[code]:
            yield Part(name, known[code - 1], codes == code)


def _thirds(name: str, values: Floats) -> Iterator[Part]:
    known = values[~np.isnan(values)]
    if not len(known):
        return
    edges = np.unique(np.quantile(known, [1 / 3, 2 / 3], method="inverted_cdf"))
    bounds = [-math.inf, *edges.tolist(), math.inf]
    for low, high in pairwise(bounds):
        keep = (values > low) & (values <= high)
        if keep.any():
            below, above = f"up to {high:,.6g}", f"above {low:,.6g}"
            between = f"{low:,.6g} to {high:,.6g}"
            yield Part(name, below if low == -math.inf else above if high == math.inf else between, keep)


def _sliced(answers: Answers, part: Part) -> Slice:
    rows, rest = answers.where(part.keep), answers.where(~part.keep)
    bought = rows.outcome == 1
    n, conversions = len(np.unique(rows.lead)), len(np.unique(rows.lead[bought]))
    gap = mean_of(rows.probability - rows.outcome, rows.cluster, n=n, conversions=conversions)
    auc = behind = None
    if enough(rows):
        value, influence = _macro_auc(rows)
        auc = _inside(figure(value, standard_error(influence, rows.cluster), n, conversions))
        if enough(rest) and part.group != "age":
            others, other_influence = _macro_auc(rest)
            together = np.concatenate([influence, -other_influence]), np.concatenate([rows.cluster, rest.cluster])
            behind = figure(value - others, standard_error(*together), n, conversions)
    questioned = enough(rows) and len(np.unique(rows.cluster[bought])) >= FEWEST_CLUSTERS
    return Slice(
        part.group, part.name, n, conversions, float(rows.probability.mean()), float(rows.outcome.mean()), gap, auc, behind,
        questioned,
    )  # fmt: skip


def _macro_auc(rows: Answers) -> tuple[float, Floats]:
    """Return the area under the curve, averaged over the ages that have both outcomes, with what each row adds to its error."""
    values, influence = [], np.zeros(len(rows.outcome))
    for look in np.unique(rows.look):
        here = np.flatnonzero(rows.look == look)
        if 0 < rows.outcome[here].mean() < 1:
            value, influence[here] = auc_with_influence(rows.probability[here], rows.outcome[here])
            values.append(value)
    return float(np.mean(values)), influence / len(values)


def _inside(one: Figure) -> Figure:
    """Keep the interval of an area within 0 and 1."""
    return Figure(one.value, max(one.low, 0.0), min(one.high, 1.0), one.n, one.conversions, one.error)


def _accusations(one: Slice, level: float) -> Iterator[tuple[float, str]]:
    """Yield how many standard errors a slice is off, with the sentence, where that is beyond doubt at a level."""
    where = f"{one.group.replace('_', ' ')} {one.name}"
    gap = figure(one.gap.value, one.gap.error, one.n, one.conversions, level=level)
    if gap.low > 0.0 or gap.high < 0.0:
        told = f"{100 * one.promised:.1f} % promised, {100 * one.happened:.1f} % converted"
        yield abs(gap.value) / gap.error, f"The worst slice is {where}: {told}, of {one.n:,} leads"
    if one.behind is not None and one.auc is not None:
        behind = figure(one.behind.value, one.behind.error, one.n, one.conversions, level=level)
        if behind.high < 0.0:
            told = f"AUC {one.auc.value:.3f} where the other leads have {one.auc.value - behind.value:.3f}"
            yield abs(behind.value) / behind.error, f"The worst slice is {where}: {told}, of {one.n:,} leads"
