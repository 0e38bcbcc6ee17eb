"""The profile that converts: which attributes the leads that pay have, as declared and as learnt.

Each lead is looked at once, at its first look, when little is known but what it said at sign-up. A part (a category, a third of a
number) is asked whether its leads convert otherwise than all others; of m questions each is put at the level 1 - 0.05 / m
(Bonferroni), so that a product whose attributes tell nothing has a part named in at most about 5 of 100 trainings. Beside the
conversion stands the fit that the model gives: the mean of the attribute's own Shapley values, in points of probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.matrix import compute
from features.workspace import Workspace
from models.fit import conditions_met
from models.scorer import Scorer
from training.calibration_check import Part
from training.clustered import Ints, figure, mean_of, share, standard_error
from training.dataset import TrainingSet
from training.evaluation import Figure
from training.gains import percent
from training.metrics import Floats
from training.slices import ERRORS, FEWEST_CLUSTERS, LARGEST, LISTED, attribute_parts

EXPLAINED = 2_000
"""So many leads at most are explained, evenly drawn."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Trait:
    """The leads with one value of an attribute."""

    attribute: str
    value: str
    rate: Figure
    """The share that converted."""
    above: Figure | None
    """That share minus the others'; None where there are too few payers to ask."""
    fit: Figure | None
    """What the attribute adds to the probability of these leads on average; None where too few were explained."""
    word: str
    """``more`` or ``less`` where it is sure that they convert more or less than the others, else empty."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Who converts."""

    traits: list[Trait]
    questions: int
    rate: Figure
    fit: Figure
    """How far the attributes together move the probability, on average."""
    behaviour: Figure
    """How far everything else does."""
    declared: Trait | None
    """The leads that are as the workspace declares its ideal customer."""
    declared_words: str

    @property
    def lines(self) -> list[str]:
        """Answer in words."""
        told = [f"Fit and behaviour: what leads are moves the answer by {_points(self.fit)} on average, what they do by "
                f"{_points(self.behaviour)}."]  # fmt: skip
        for word in ("more", "less"):
            sure = [one for one in self.traits if one.word == word]
            named = "; ".join(f"{_plain(one.attribute)} {one.value} ({percent(one.rate)})" for one in sure)
            if named:
                told.append(f"Convert {word} than the others, beyond doubt: {named}. All together: {percent(self.rate)}.")
        if not any(one.word for one in self.traits):
            told.append(f"No attribute is shown to tell who converts ({self.questions} questions asked).")
        return [self._declared(), *told] if self.declared else told

    def _declared(self) -> str:
        if (one := self.declared) is None:
            return ""
        if one.above is None:
            return f"The declared ideal customer ({self.declared_words}): {one.rate.n:,} leads, too few payers to compare."
        shown = {"more": "they convert more than the others", "less": "they convert less than the others"}
        verdict = shown.get(one.word, "no difference from the others is shown")
        gap = f"{100 * one.above.value:+.1f} points [{100 * one.above.low:+.1f}, {100 * one.above.high:+.1f}]"
        share = f"{percent(one.rate)} of {one.rate.n:,} leads"
        return f"The declared ideal customer ({self.declared_words}): {share}; {verdict} ({gap})."


def profile_of(ws: Workspace, data: TrainingSet, scorer: Scorer, *, seed: int) -> Profile | None:
    """Return the profile, or None where no attribute is known."""
    attributes = set(data.definition.attributes)
    rows = _first_looks(data.exam.rows.lead)
    parts = list(attribute_parts(data, LARGEST, rows=rows))
    if not attributes or not len(rows) or not parts:
        return None
    looks = data.exam.rows.take(rows)
    sample = _sample(len(rows), seed)
    explained = scorer.explain(data.exam.x[rows[sample]])
    points = dict(zip(explained.players, explained.points.T, strict=True))
    fits = np.sum([points[one] for one in points if one in attributes] or [np.zeros(len(sample))], axis=0)
    others = np.sum([points[one] for one in points if one not in attributes] or [np.zeros(len(sample))], axis=0)
    y, cluster = looks.outcome, looks.cluster
    declared = _declared_part(ws, data, scorer, looks.lead, looks.as_of)
    large = [part for part in parts if part.keep.sum() >= LISTED]
    asked = [part for part in [*large, *([declared] if declared else [])] if _can_ask(y, cluster, part.keep)]
    level = 1.0 - ERRORS / max(len(asked), 1)
    there = {id(part) for part in asked}
    traits = [_trait(part, y, cluster, level, id(part) in there, sample, points.get(part.group)) for part in large]
    ideal = _trait(declared, y, cluster, level, id(declared) in there, sample, fits) if declared else None
    bought = int(y[sample].sum())
    size = [mean_of(np.abs(one), cluster[sample], n=len(sample), conversions=bought) for one in (fits, others)]
    return Profile(traits, len(asked), share(y, cluster), size[0], size[1], ideal, words_of(ws.ideal_customer))


def words_of(ideal: Mapping[str, Mapping[str, object]]) -> str:
    """Return declared conditions as they are said.

    >>> words_of({"country": {"in": ["DE", "TR"]}, "company_size": {"ge": 50}})
    'country DE or TR, company size at least 50'
    """
    said = {"eq": "", "in": "", "ge": "at least ", "gt": "more than ", "le": "at most ", "lt": "less than ", "glob": "like "}
    return ", ".join(
        f"{_plain(name)} {said[operator]}{' or '.join(map(str, wanted)) if isinstance(wanted, (list, tuple)) else wanted}"
        for name, asked in ideal.items()
        for operator, wanted in asked.items()
    )


def _first_looks(lead: Ints) -> Ints:
    """Return the first row of each lead; rows are ordered by lead and look."""
    return np.unique(lead, return_index=True)[1].astype(np.int64)


def _sample(n: int, seed: int) -> Ints:
    if n <= EXPLAINED:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, EXPLAINED, replace=False))


def _declared_part(ws: Workspace, data: TrainingSet, scorer: Scorer, lead: Ints, as_of: Ints) -> Part | None:
    if not ws.ideal_customer:
        return None
    matrix = compute(scorer.feature_set, data.tables, lead, as_of)
    rows = (matrix.row(place) for place in range(len(lead)))
    keep = np.array([all(conditions_met(row, ws.ideal_customer).values()) for row in rows], dtype=bool)
    return Part("ideal customer", "as declared", keep)


def _can_ask(y: Ints, cluster: Ints, keep: Mask) -> bool:
    """Tell whether there are payers enough inside and outside for the normal interval to be believed."""
    bought = y == 1
    return all(len(np.unique(cluster[bought & side])) >= FEWEST_CLUSTERS for side in (keep, ~keep))


def _trait(part: Part, y: Ints, cluster: Ints, level: float, asked: bool, sample: Ints, points: Floats | None) -> Trait:
    keep = part.keep
    rate = share(y[keep], cluster[keep]) if keep.any() else Figure(np.nan, 0.0, 1.0, 0, 0, np.nan)
    above, word = None, ""
    if asked:
        here, there = float(y[keep].mean()), float(y[~keep].mean())
        influence = np.where(keep, (y - here) / keep.sum(), -(y - there) / (~keep).sum())
        error = standard_error(influence, cluster)
        above = figure(here - there, error, rate.n, rate.conversions)
        sure = figure(here - there, error, rate.n, rate.conversions, level=level)
        word = "more" if sure.low > 0.0 else "less" if sure.high < 0.0 else ""
    inside = keep[sample]
    fit = None
    if points is not None and inside.sum() >= LISTED:
        bought = int(y[sample][inside].sum())
        fit = mean_of(points[inside], cluster[sample][inside], n=int(inside.sum()), conversions=bought)
    return Trait(part.group, part.name, rate, above, fit, word)


def _points(one: Figure) -> str:
    return f"{100 * one.value:.1f} points [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _plain(name: str) -> str:
    return name.replace("_", " ")
