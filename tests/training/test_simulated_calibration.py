"""Promises about the future of a simulated product, kept: on the whole, at every age, and for the largest kinds of leads.

When this was written the errors over 38,853 looks were .003 overall, .004 to .006 by age, and .007 to .017 for the two largest
categories of each attribute; of those about half is what true probabilities would show on so few rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.clock import DAY_US
from features.workspace import load_workspace
from tests.training.looks_ahead import Ahead, look_ahead
from training.calibration_check import Part, age_thirds
from training.evaluation import Answers
from training.metrics import Ranking
from training.simulator import simulate

pytestmark = pytest.mark.slow

LEADS, DAYS, TRAINED_ON_DAY = 30_000, 365, 215
ALLOWED = 0.03


def largest_categories(ahead: Ahead, largest: int) -> list[Part]:
    """Return the looks at leads of the largest categories of each attribute."""
    parts = []
    for place, column in enumerate(ahead.data.columns):
        names = ahead.data.definition.categories.get(column.name, ())
        if column.kind == "category" and column.name in ahead.data.definition.attributes:
            codes, counts = np.unique(ahead.x[~np.isnan(ahead.x[:, place]), place], return_counts=True)
            for code in codes[np.argsort(-counts, kind="stable")][:largest].astype(int).tolist():
                parts.append(Part(column.name, names[code - 1] if code else "other", ahead.x[:, place] == code))
    return parts


def error_of(answers: Answers) -> float:
    """Return the calibration error of ten equal groups."""
    return Ranking(answers.probability, answers.outcome).calibration_error(np.ones(len(answers.lead)))


def test_promises_hold_overall_by_age_and_for_the_largest_categories(tmp_path: Path) -> None:
    world = simulate(6, leads=LEADS, days=DAYS)
    ws = load_workspace(world.write(tmp_path))
    ahead = look_ahead(ws, world.since + TRAINED_ON_DAY * DAY_US)
    rows = ahead.rows
    answers = Answers(rows.lead, rows.cluster, rows.look, rows.outcome, ahead.promised)
    parts = [Part("all", "all", np.ones(len(rows), dtype=bool)), *age_thirds(answers, ahead.data.ages_days)]
    parts += largest_categories(ahead, 2)
    errors = {(part.group, part.name): error_of(answers.where(part.keep)) for part in parts}
    print(len(rows), errors)
    assert [group for group, _ in errors] == ["all", *["age"] * 3, *["channel"] * 2, *["country"] * 2]
    assert max(errors.values()) < ALLOWED, errors
    # The bar is one that wrong promises do not pass: here they are too high by half the odds.
    raw = ahead.fitted.learner.raw(ahead.x)
    assert error_of(answers.instead(ahead.fitted.calibrator.shifted(np.log(1.5)).probability(raw))) > ALLOWED
