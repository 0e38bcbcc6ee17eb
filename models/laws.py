"""Laws that every scorer obeys, whatever its learner; run them on your own model with your own rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.scorer import Scorer

Floats = NDArray[np.float64]

CLOSE = 1e-9


def check_scorer(scorer: Scorer, x: Floats, *, threads: int = 4, calls: int = 20) -> None:
    """Check every law on some rows of the scorer's columns, and raise a ModelError that names the first one broken."""
    check_one_is_many(scorer, x)
    check_names_not_places(scorer, x)
    check_pure(scorer, x)
    check_calibrator(scorer)
    check_inside(scorer, x)
    check_adds_up(scorer, x)
    check_threads(scorer, x, threads, calls)


def broken(law: str, given: str, expected: str) -> ModelError:
    """Return the error for a law that does not hold."""
    return ModelError(f"The scorer breaks a law: {law}", given=given, expected=expected, do="do not use this scorer")


def check_one_is_many(scorer: Scorer, x: Floats) -> None:
    """One row has the same bits alone, among others, and in any order."""
    together, points = scorer.probability(x), scorer.explain(x).points
    backwards = scorer.probability(x[::-1])[::-1]
    for row in range(len(x)):
        one = x[row : row + 1]
        alone = scorer.explain(one)
        same = scorer.probability(one)[0] == together[row] == backwards[row] == alone.probability[0]
        if not same or not np.array_equal(alone.points[0], points[row]):
            raise broken("one row is many rows", f"row {row} differs alone", "equal bits")


def check_names_not_places(scorer: Scorer, x: Floats) -> None:
    """Columns are found by name: their order, and columns that the model does not know, change nothing."""
    order = np.arange(len(scorer.names))[::-1]
    names = ["column of nobody", *(scorer.names[j] for j in order)]
    values = np.column_stack([np.full(len(x), 1e18), x[:, order]])
    if not np.array_equal(scorer.probability(scorer.select(names, values)), scorer.probability(x)):
        raise broken("columns are found by name", "another score in another order", "the same score")


def check_pure(scorer: Scorer, x: Floats) -> None:
    """Scoring changes neither its input nor the next answer."""
    before = x.copy()
    first = scorer.probability(x)
    scorer.explain(x)
    if not np.array_equal(before, x, equal_nan=True):
        raise broken("scoring does not change its input", "a changed row", "the same row")
    if not np.array_equal(first, scorer.probability(x)):
        raise broken("the same question has the same answer", "another score", "the same score")


def check_calibrator(scorer: Scorer) -> None:
    """The calibration rises strictly, in floats, and stays inside (1e-6, 1 - 1e-6)."""
    steps = scorer.calibrator.probability(np.arange(-30_000, 30_001) / 1000.0)
    if not np.all(np.diff(steps) > 0):
        raise broken("a higher raw score is a higher probability", "a plateau or a fall", "a strict rise from -30 to 30")
    if not (steps[0] > 1e-6 and steps[-1] < 1 - 1e-6):
        raise broken("no probability is certain", f"{steps[0]} to {steps[-1]}", "inside (1e-6, 1 - 1e-6)")


def check_inside(scorer: Scorer, x: Floats) -> None:
    """Every input has a probability: all missing, all infinite, and as large as numbers get."""
    width = len(scorer.names)
    extremes = np.array([[value] * width for value in (np.nan, np.inf, -np.inf, 0.0, 1e300, -1e300)]).reshape(-1, width)
    probability = scorer.probability(np.concatenate([x, extremes]))
    if not np.all((probability > 0) & (probability < 1)):
        raise broken("a probability lies inside [0, 1]", str(float(np.nanmax(probability))), "a number between 0 and 1")


def check_adds_up(scorer: Scorer, x: Floats) -> None:
    """Base and points give the probability, in log-odds too; a player without columns has exactly 0."""
    told = scorer.explain(x)
    if not np.all(np.abs(told.base + told.points.sum(axis=1) - told.probability) <= CLOSE):
        raise broken("points add up to the probability", "another sum", "base + points within 1e-9")
    log_odds = np.log(told.probability / (1 - told.probability))
    if not np.all(np.abs(told.base_log_odds + told.log_odds.sum(axis=1) - log_odds) <= CLOSE):
        raise broken("log-odds add up", "another sum", "base + log-odds within 1e-9")
    used = {scorer.columns[j].player for j in scorer.learner.used.tolist()}
    idle = [i for i, player in enumerate(told.players) if player not in used]
    if np.any(told.points[:, idle] != 0):
        raise broken("who is not used has no share", "points of an unused player", "exactly 0")


def check_threads(scorer: Scorer, x: Floats, threads: int, calls: int) -> None:
    """Many threads at once get the answers that one gets."""
    wanted, points = scorer.probability(x), scorer.explain(x).points

    def ask(_: int) -> bool:
        return np.array_equal(scorer.probability(x), wanted) and np.array_equal(scorer.explain(x).points, points)

    with ThreadPoolExecutor(threads) as pool:
        if not all(pool.map(ask, range(calls))):
            raise broken("threads do not disturb each other", "another score", "the same score")
