"""Scores and exact Shapley values of trees against LightGBM's own, one thread each, in one interleaved run.

Run it with ``python -m tests.benchmarks.bench_shapley [--rows 1e4] [--scored 1e6]``. The model is the one of `http_model`: 300
trees of 31 leaves over 60 features, 6 of them categories. Contributions are compared for single columns, as LightGBM has them,
and timed for behaviours, as an answer gives them, and for single columns as well. Of one row the median counts, over rows that
differ, so that nobody profits from having seen it; of many rows the quickest pass.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.matrix import FeatureMatrix
from features.workspace import parse_workspace
from models import cores
from models.columns import Grouping, by_column, by_player
from models.phrasing import Phrasing
from models.reasons import Reasons
from models.scorer import Scorer
from tests.benchmarks.http_model import CATEGORIES, WORKSPACE, fit

BARS = {"one row": 4.0, "many rows": 6.0, "scores": 1.0}
REASONS = 5
_AT_ONCE = 200
"""So many rows are handed over in a turn, so that a noisy moment hits everybody."""

Floats = NDArray[np.float64]
Work = Callable[[Floats], object]


def race(works: Sequence[Work], parts: Sequence[Floats], passes: int) -> list[list[list[float]]]:
    """Let everybody do every part in turn, several times; return seconds by contestant, pass and part."""
    took: list[list[list[float]]] = [[[] for _ in range(passes)] for _ in works]
    for work in works:
        work(parts[0])
    for turn in range(passes):
        for part in parts:
            for who, work in enumerate(works):
                began = time.perf_counter()
                work(part)
                took[who][turn].append(time.perf_counter() - began)
    return took


def one_by_one(works: Sequence[Work], x: Floats) -> list[float]:
    """Return the median milliseconds of one row."""
    parts = [x[row : row + 1].copy() for row in range(len(x))]
    return [1000 * float(np.median(one)) for one in race(works, parts, 2)]


def many(works: Sequence[Work], x: Floats, at_once: int, passes: int) -> list[float]:
    """Return rows a second in the quickest pass."""
    parts = [x[start : start + at_once] for start in range(0, len(x), at_once)]
    return [len(x) / min(sum(one) for one in passed) for passed in race(works, parts, passes)]


def tell(what: str, unit: str, ours: float, theirs: float, times: float, bar: float | None) -> None:
    """Print a line: ours, LightGBM's, how many times as quick."""
    verdict = "" if bar is None else f" (bar: {bar:g}) {'ok' if times >= bar else 'MISSED'}"
    print(f"  {what:44s} {ours:10,.2f} {unit}, LightGBM {theirs:10,.2f} {unit}  {times:6.1f} times as quick{verdict}", flush=True)


def contributions(scorer: Scorer, booster: Any, x: Floats, rows: int) -> None:
    """Race the contributions: behaviours as an answer gives them, and single columns."""
    learner, single = scorer.learner, by_column(scorer.columns)
    behaviours = by_player(scorer.columns, scorer.feature_set.players)

    def theirs(part: Floats) -> object:
        return booster.predict(part, pred_contrib=True, num_threads=1)

    def ours(grouping: Grouping) -> Work:
        return lambda part: learner.contributions(part, grouping)

    difference = np.abs(learner.contributions(x[:_AT_ONCE], single) - booster.predict(x[:_AT_ONCE], pred_contrib=True)[:, :-1])
    print(f"Contributions, largest difference {difference.max():.1e}")
    works = [ours(behaviours), ours(single), theirs]
    took = one_by_one(works, x[:200])
    tell("one row, by behaviour", "ms", took[0], took[2], took[2] / took[0], BARS["one row"])
    tell("one row, by column", "ms", took[1], took[2], took[2] / took[1], BARS["one row"])
    rate = many(works, x[:rows], _AT_ONCE, 1)
    tell(f"{rows:,} rows, by behaviour", "rows/s", rate[0], rate[2], rate[0] / rate[2], BARS["many rows"])
    tell(f"{rows:,} rows, by column", "rows/s", rate[1], rate[2], rate[1] / rate[2], BARS["many rows"])


def scores(scorer: Scorer, booster: Any, x: Floats, rows: int) -> None:
    """Race the scores without reasons, equal to the bit."""
    if not np.array_equal(scorer.learner.raw(x), booster.predict(x, raw_score=True)):
        raise SystemExit("The scores differ")
    works: list[Work] = [scorer.learner.raw, lambda part: booster.predict(part, raw_score=True, num_threads=1)]
    print("Scores, equal bits")
    one = one_by_one(works, x[:500])
    tell("one row", "ms", one[0], one[1], one[1] / one[0], BARS["scores"])
    rate = many(works, np.resize(x, (rows, x.shape[1])), len(x), 1)
    tell(f"{rows:,} rows", "rows/s", rate[0], rate[1], rate[0] / rate[1], BARS["scores"])


def answers(scorer: Scorer, x: Floats) -> None:
    """Print what one lead's reasons cost, sentences and all."""
    phrasing, took = Phrasing(), []
    for row in range(300):
        values = np.full((1, len(scorer.feature_set)), np.nan)
        values[0, [scorer.feature_set.index(name) for name in scorer.names]] = x[row]
        labels = {name: np.array([f"{name} 1"], dtype=object) for name in CATEGORIES}
        now = np.zeros(1, dtype=np.int64)
        one = FeatureMatrix(scorer.feature_set, values, labels, now, now, now)
        began = time.perf_counter()
        Reasons.of(scorer, one, scorer.select(one.features.names, one.values), REASONS, phrasing).of_row(0, 3.0)
        took.append(time.perf_counter() - began)
    print(f"One lead scored, with {REASONS} reasons as sentences: {1000 * np.median(took):.2f} ms")


def main() -> None:
    """Measure everything and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e4)
    parser.add_argument("--scored", type=float, default=1e6)
    asked = parser.parse_args()
    cores.CORES = 1
    scorer, booster, x = fit(parse_workspace(WORKSPACE, Path()))
    contributions(scorer, booster, x, int(asked.rows))
    scores(scorer, booster, x, int(asked.scored))
    answers(scorer, x)


if __name__ == "__main__":
    main()
