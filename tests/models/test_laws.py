"""The laws hold for every learner, and each law notices when it is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from models import laws
from models.calibration import Calibrator
from models.columns import Grouping
from models.errors import ModelError
from models.laws import check_scorer
from models.learners import Learner
from models.scorer import Scorer
from tests.models.conftest import KINDS

Floats = NDArray[np.float64]


@pytest.mark.parametrize("kind", KINDS)
def test_every_scorer_obeys(kind: str, scorers: dict[str, Scorer], x: Floats) -> None:
    check_scorer(scorers[kind], x[:12], threads=8, calls=24)


@dataclass(frozen=True)
class Bad:
    """A learner with one thing wrong."""

    inner: Learner
    change_raw: Callable[[Floats, Floats], Floats] = lambda _, raw: raw
    change_parts: Callable[[Floats], Floats] = lambda parts: parts
    nothing_used: bool = False

    kind: ClassVar[str] = "bad"

    @property
    def expected(self) -> float:
        return self.inner.expected

    @property
    def used(self) -> NDArray[np.int64]:
        return self.inner.used[:0] if self.nothing_used else self.inner.used

    def raw(self, x: Floats) -> Floats:
        return self.change_raw(x, self.inner.raw(x))

    def contributions(self, x: Floats, grouping: Grouping) -> Floats:
        return grouping.sums(self.shares(x, grouping))

    def shares(self, x: Floats, grouping: Grouping) -> Floats:
        return self.change_parts(self.inner.shares(x, grouping))

    def to_json(self) -> dict[str, object]:
        return {}


CALLS = count()

BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "batches": ({"change_raw": lambda x, raw: raw + 1e-12 * (len(x) > 1)}, "one row is many rows"),
    "places": ({"change_raw": lambda x, raw: raw + 1e-9 * np.arange(len(x))}, "one row is many rows"),
    "parts by batch": ({"change_parts": lambda parts: parts * (1 + 1e-9 * (len(parts) > 1))}, "one row is many rows"),
    "sum": ({"change_parts": lambda parts: parts * 1.001}, "points add up"),
    "unused": ({"nothing_used": True}, "who is not used"),
    "certain": ({"change_raw": lambda x, raw: np.where(np.isnan(x).all(axis=1), np.nan, raw)}, "inside"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_learner_is_noticed(name: str, scorer: Scorer, x: Floats) -> None:
    wrong, law = BROKEN[name]
    with pytest.raises(ModelError, match=law):
        check_scorer(replace(scorer, learner=Bad(scorer.learner, **wrong)), x[:5], calls=2)


class ByPlace(Scorer):
    def select(self, names: Any, values: Floats) -> Floats:
        return values[:, : len(self.columns)]


class Changing(Scorer):
    def explain(self, x: Floats) -> Any:
        found = super().explain(x)
        if x.flags.writeable:
            x[0, 0] = 99.0
        return found


class Moody(Scorer):
    def probability(self, x: Floats) -> Floats:
        return super().probability(x) + (1e-9 if next(CALLS) % 2 else 0.0)


def copied(scorer: Scorer, kind: type[Scorer]) -> Scorer:
    return kind(scorer.definition, scorer.columns, scorer.learner, scorer.calibrator, scorer.reference, scorer.meta)


def test_a_broken_scorer_is_noticed(scorer: Scorer, x: Floats) -> None:
    some = x[:5]
    with pytest.raises(ModelError, match="found by name"):
        laws.check_names_not_places(copied(scorer, ByPlace), some)
    with pytest.raises(ModelError, match="does not change its input"):
        laws.check_pure(copied(scorer, Changing), some.copy())
    with pytest.raises(ModelError, match="same question"):
        laws.check_pure(copied(scorer, Moody), some)
    with pytest.raises(ModelError, match="threads"):
        laws.check_threads(copied(scorer, Moody), some, 2, 4)


def test_a_broken_calibration_is_noticed(scorer: Scorer) -> None:
    for calibrator, law in (
        (Calibrator("platt", 0.0, (-1.0,)), "a higher raw score"),
        (Calibrator("platt", 0.0, (0.0,)), "a higher raw score"),
    ):
        with pytest.raises(ModelError, match=law):
            laws.check_calibrator(replace(scorer, calibrator=calibrator))


class Sure(Calibrator):
    def probability(self, s: Floats) -> Floats:
        return (np.argsort(np.argsort(s)) + 0.0) / len(s)


class Crooked(Calibrator):
    def evaluate(self, s: Floats) -> Floats:
        found = super().evaluate(s)
        found[:, 0] = found[:, 0] * 1.001
        return found


def test_certainty_and_crooked_log_odds_are_noticed(scorer: Scorer, x: Floats) -> None:
    with pytest.raises(ModelError, match="no probability is certain"):
        laws.check_calibrator(replace(scorer, calibrator=Sure()))
    with pytest.raises(ModelError, match="log-odds add up"):
        laws.check_adds_up(replace(scorer, calibrator=Crooked()), x[:5])
