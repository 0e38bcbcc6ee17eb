"""Ranking and promises on real data, ours beside others that get the very same rows and columns: AUC and log-loss, paired.

Run it with ``python -m tests.benchmarks.bench_quality [--sets 365,relax_7] [--flaml-seconds 300] [--quick]``. Everybody learns
from our training set as of the cut and answers leads that started later (a table without dates: out of five folds). Ours is
``trialwise train`` with its defaults. FLAML's seconds are for one set: where there are five fits, each gets a fifth. Everybody
has one thread. What a rival has answered is kept under var/bench/quality and used again as long as its rows, columns and
settings are the same, which spares half an hour when only our own recipe has changed; ``--afresh`` asks everybody again, as
after an update of a rival, or where FLAML got little CPU in its seconds because the machine was busy.

The bar, for AUC and for log-loss: not behind the best rival by more than half the width of the paired interval, and not
significantly behind logistic regression. Intervals are of 95 %, by resampling accounts, or leads without one.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tests.benchmarks.quality import automl, boosted, by_us, linear, tuned_lightgbm
from tests.benchmarks.quality.entry import Floats, Rival
from tests.benchmarks.quality.kept import keeping
from tests.benchmarks.quality.paired import FIGURES, Interval, Paired, missed, pair
from tests.benchmarks.quality.real_sets import SPLITS, RealSet, answered, load
from training.metrics import METRICS, Ranking

OURS, SIMPLE = "ours", "logistic regression"
QUICK_TRIALS, QUICK_SECONDS = 2, 10.0


def rivals(folder: Path, *, trials: int, flaml_seconds: float) -> dict[str, Rival]:
    """Return everybody else by name."""
    return {
        SIMPLE: keeping(linear.answer, f"logistic {linear.STRENGTHS}", folder),
        "HistGradientBoosting": keeping(boosted.answer, f"boosted {boosted.LEAVES} {boosted.MOST_ROUNDS}", folder),
        "LightGBM, tuned": keeping(partial(tuned_lightgbm.answer, trials=trials), f"lightgbm {trials}", folder),
        "FLAML": keeping(partial(automl.answer, seconds=flaml_seconds), f"flaml {flaml_seconds:g}", folder),
    }


def compete(name: str, folder: Path, *, quick: bool, flaml_seconds: float) -> Paired:
    """Let everybody answer one set, print the table, and return it."""
    found = load(name)
    print(f"\n{name}: {_size(found)}", flush=True)
    answers = {OURS: _ours(found, quick)}
    trials = QUICK_TRIALS if quick else tuned_lightgbm.TRIALS
    for rival, work in rivals(folder, trials=trials, flaml_seconds=flaml_seconds / len(found.fits)).items():
        began = _clocks()
        answers[rival] = answered(found, [work(fit.entry) for fit in found.fits])
        print(f"  ({rival}: {_alone(answers[rival], found)}; took {_took(began)})", flush=True)
    result = pair(answers, found.outcome, found.cluster, ours=OURS)
    for line in table(result):
        print(line)
    wrong = missed(result, simple=SIMPLE)
    print("  bar: ok" if not wrong else f"  bar: MISSED: {'; '.join(wrong)}", flush=True)
    return result


def _ours(found: RealSet, quick: bool) -> Floats:
    began, answers, kept = _clocks(), [], []
    for fit in found.fits:
        answer, recipe = by_us.answer(found.ws, fit, trials=QUICK_TRIALS if quick else by_us.TRIALS)
        answers.append(answer)
        kept.append(f"{recipe.learner} ({recipe.calibration})")
    told = ", ".join(f"{kept.count(one)} x {one}" if len(kept) > 1 else one for one in dict.fromkeys(kept))
    together = answered(found, answers)
    print(f"  (ours: {_alone(together, found)}; took {_took(began)}; kept: {told})", flush=True)
    return together


def _alone(answers: Floats, found: RealSet) -> str:
    figures = dict(zip(METRICS, Ranking(answers, found.outcome).figures(np.ones(len(answers))).tolist(), strict=True))
    return f"AUC {figures['auc']:.4f}, log-loss {figures['log_loss']:.5f}"


def _size(found: RealSet) -> str:
    learn = found.fits[0].entry.learn.rows
    rows = (
        f"{len(learn):,} rows of {len(np.unique(learn.lead)):,} leads, {len(found.fits[0].entry.columns)} columns to learn from"
    )
    fits = f" in each of {len(found.fits)} fits" if len(found.fits) > 1 else ""
    return f"{rows}{fits}; {len(found.outcome):,} leads to answer, {int(found.outcome.sum()):,} of them convert"


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _took(began: tuple[float, float]) -> str:
    """Tell wall and CPU: a budget of seconds is worth less on a machine that is shared."""
    wall, cpu = (now - then for now, then in zip(_clocks(), began, strict=True))
    return f"{wall:.0f} s, {cpu:.0f} s of CPU"


def table(found: Paired) -> list[str]:
    """Return a line for each contestant."""
    lines = [f"  {'':22s} {'AUC':27s} {'ours - theirs':30s} {'log-loss':30s} {'ours - theirs':30s}".rstrip()]
    for name, reached in found.reached.items():
        parts = []
        for figure in FIGURES:
            ahead = found.ahead[name][figure] if name in found.ahead else None
            digits = 3 if figure == "auc" else 4
            parts += [_told(reached[figure], digits), "" if ahead is None else _told(ahead, digits + 1, "+")]
        lines.append(f"  {name:22s} {parts[0]:27s} {parts[1]:30s} {parts[2]:30s} {parts[3]:30s}".rstrip())
    return lines


def _told(one: Interval, digits: int, sign: str = "") -> str:
    value, low, high = (f"{number:{sign}.{digits}f}" for number in (one.value, one.low, one.high))
    return f"{value} [{low}, {high}]"


def average(results: Sequence[Paired]) -> list[str]:
    """Return how far we are ahead of each rival on average over the sets."""
    lines = []
    for rival in results[0].ahead:
        means = {figure: float(np.mean([result.ahead[rival][figure].value for result in results])) for figure in FIGURES}
        lines.append(f"  {rival:22s} AUC {means['auc']:+.4f}, log-loss {means['log_loss']:+.5f}")
    return lines


def main() -> None:
    """Compare on every set that is asked for."""
    from threadpoolctl import threadpool_limits

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(SPLITS))
    parser.add_argument("--flaml-seconds", type=float)
    parser.add_argument("--quick", action="store_true", help="two trials and ten seconds: to see it run")
    parser.add_argument("--folder", type=Path, default=Path("var/bench/quality"))
    parser.add_argument("--afresh", action="store_true", help="forget what the rivals have answered before")
    asked = parser.parse_args()
    if asked.afresh:
        shutil.rmtree(asked.folder, ignore_errors=True)
    sets = [name.strip() for name in asked.sets.split(",")]
    if unknown := [name for name in sets if name not in SPLITS]:
        parser.error(f"no set {unknown[0]!r}; there are {', '.join(SPLITS)}")
    seconds = asked.flaml_seconds or (QUICK_SECONDS if asked.quick else 300.0)
    with threadpool_limits(limits=1):
        results = [compete(name, asked.folder, quick=asked.quick, flaml_seconds=seconds) for name in sets]
    print("\nours - theirs, averaged over the sets:")
    print("\n".join(average(results)))


if __name__ == "__main__":
    main()
