"""The verdict in words: ``publish``, ``weak`` or ``no usable signal``, with the numbers why."""

from __future__ import annotations

from dataclasses import dataclass

from training.evaluation import Difference, Evaluation

PUBLISH, WEAK, NONE = "publish", "weak", "no usable signal"

_ONE_PERCENT = 2.326
_FIVE_PERCENT = 1.645
"""Standard normal quantiles: how many standard errors the ranking must be above chance, one-sided."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One of three words, and the sentence that gives its numbers."""

    word: str
    sentence: str


def judge(evaluation: Evaluation | None, gain: Difference | None, *, learner: str, time_forward: bool) -> Verdict:
    """Judge the rehearsal.

    Signal means that leads are ranked better than by chance: without any, the area under the curve is symmetric around one half
    whatever the base rate did, so the rule errs as often as its level says. It is published at the 1 % level, if the log-loss is
    also below that of the base rate, the folds go forward in time and there are enough conversions to trust the interval.
    """
    if evaluation is None or gain is None or not evaluation.macro:
        return Verdict(NONE, f"{NONE}: the last fold has leads of one outcome only, so nothing can be said.")
    auc = evaluation.macro["auc"]
    above_chance = (auc.value - 0.5) / auc.error if auc.error > 0.0 else 0.0
    numbers = _numbers(evaluation, gain)
    if learner == "base_rate":
        return Verdict(NONE, f"{NONE}: nothing predicts better than the base rate by more than the noise; {numbers}")
    if above_chance < _FIVE_PERCENT or gain.value >= 0.0:
        return Verdict(NONE, f"{NONE}: what was learnt does not hold on leads it has not seen; {numbers}")
    if not time_forward:
        return Verdict(
            WEAK, f"{WEAK}: these figures are not time-forward: they are of random folds, not of later leads; {numbers}"
        )
    if not evaluation.reliable:
        return Verdict(WEAK, f"{WEAK}: only {evaluation.converting_clusters} converting accounts or leads to judge by; {numbers}")
    if above_chance < _ONE_PERCENT:
        return Verdict(WEAK, f"{WEAK}: the ranking is better than chance, but it may be luck; {numbers}")
    return Verdict(PUBLISH, f"{PUBLISH}: {numbers}")


def by_hand(conversions: int, base_rate: float) -> Verdict:
    """Return the verdict on points by hand: nothing was learnt, so nothing can be judged."""
    return Verdict(
        WEAK,
        f"{WEAK}: a scorecard of points by hand, not learnt: {conversions} leads have converted so far, too few to learn from or "
        f"to judge by; the mean probability is {100 * base_rate:.1f} %, as stated and moved by the outcomes known so far.",
    )


def _numbers(evaluation: Evaluation, gain: Difference) -> str:
    auc, lift, loss = (evaluation.macro[name] for name in ("auc", "lift_10", "log_loss"))
    return (
        f"AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}], log-loss {loss.value:.4f} against "
        f"{loss.value - gain.value:.4f} of the base rate, "
        f"the best tenth converts {lift.value:.1f} [{lift.low:.1f}, {lift.high:.1f}] times as often as all; "
        f"{evaluation.leads:,} leads, {evaluation.conversions:,} conversions."
    )
