"""The gate: a challenger serves when it is shown to be better, newer and not worse, or when a person insists."""

from __future__ import annotations

from dataclasses import dataclass

from features.clock import DAY_US, NEVER
from features.errors import InputError
from features.workspace import Workspace
from models import registry
from training.contest import Contest, hold
from training.dataset import TrainingSet
from training.recipe import Fitted
from training.rivals import BASE_TAG, KIND_TAG, NEWER, Rivals
from training.scoring import trained_at
from training.verdict import NONE, Verdict
from training.vetoes import veto

MODES = ("auto", "never", "force")
FIRST, BETTER, KEPT, FORCED, NEVER_ASKED = "first", "better", "kept", "forced", "never"

TOLERANCE = 0.02
"""A newer challenger may be worse by less than this share of the champion's log-loss, interval included."""

_DECISIONS = {FIRST: "promoted", BETTER: "promoted", NEWER: "promoted", FORCED: "forced"}


@dataclass(frozen=True, slots=True)
class Gate:
    """By which rule it was decided, and why: `first`, `better`, `newer`, `kept`, `forced`, or `never` where nobody asked."""

    kind: str
    reason: str
    base: str = ""
    """With `newer`: the version of the last champion that was better."""

    @property
    def decision(self) -> str:
        """What was decided: promoted, forced or kept."""
        return _DECISIONS.get(self.kind, "kept")

    @property
    def promoted(self) -> bool:
        """Whether the challenger is to serve."""
        return self.kind in _DECISIONS

    def as_dict(self) -> dict[str, str]:
        """Return the shape that is printed."""
        return {"decision": self.decision, "kind": self.kind, "reason": self.reason}

    def tags(self) -> dict[str, str]:
        """Return what the registered version says of it."""
        return {KIND_TAG: self.kind} | ({BASE_TAG: self.base} if self.base else {})


def decide(
    mode: str, ws: Workspace, data: TrainingSet, fitted: Fitted, verdict: Verdict, rivals: Rivals, *, seed: int
) -> Gate:  # fmt: skip
    """Decide whether the challenger serves."""
    if mode == "never":
        return Gate(NEVER_ASKED, "--promote never: registered, not promoted")
    if mode == "force":
        return Gate(FORCED, f"--promote force, whatever the gate would say; verdict: {verdict.sentence}")
    if verdict.word == NONE:
        return Gate(KEPT, verdict.sentence)
    if not data.learnable:
        if rivals.champion is None:
            return Gate(FIRST, f"{rivals.absent}; {verdict.sentence}")
        return Gate(KEPT, f"points by hand replace no champion; {verdict.sentence}")
    if rivals.champion is None:
        return Gate(FIRST, f"{rivals.absent}, and the model is better than the base rate")
    contest = hold(rivals.champion, ws, data, fitted, seed=seed)
    told = contest.told("the champion")
    better = contest.difference.high < 0.0
    gate = Gate(BETTER, f"better: {told}") if better else _newer(rivals, ws, data, fitted, contest, seed)
    refused = veto(contest, seed=seed) if gate.promoted else None
    return Gate(KEPT, f"vetoed, since {refused}; otherwise {gate.reason}") if refused else gate


def unless_overtaken(gate: Gate, name: str, rivals: Rivals) -> Gate:
    """Return what the gate said, unless the champion that it had in view has been replaced since: it never met the new one."""
    ref = registry.champion(name)
    now = ref.version if ref else ""
    if not gate.promoted or gate.kind == FORCED or now == rivals.version:
        return gate
    return Gate(KEPT, f"version {now or 'none'} became champion during the training: train again; otherwise {gate.reason}")


def need_mode(mode: str) -> None:
    """Refuse a mode of promotion that does not exist."""
    if mode not in MODES:
        raise InputError("--promote has no such mode", given=mode, expected=", ".join(MODES), do="choose one of them")


def _newer(rivals: Rivals, ws: Workspace, data: TrainingSet, fitted: Fitted, contest: Contest, seed: int) -> Gate:
    """Promote a challenger that is not better if its data are newer by a horizon and it is surely hardly worse.

    *Hardly worse* is asked against the champion and against the last champion that was better.
    """
    told = contest.told("the champion")
    kept = f"not shown to be better: {told}"
    then = trained_at(rivals.champion.meta.facts) if rivals.champion else NEVER
    days = (data.window.now - then) / DAY_US
    if then >= NEVER or days < ws.label.horizon_days:
        return Gate(KEPT, f"{kept}; nor are its data newer by a horizon of {ws.label.horizon_days:g} days")
    if not _hardly_worse(contest):
        return Gate(KEPT, f"{kept}; and it may be worse by 2 % of the log-loss {contest.their_loss:.5f} or more")
    if not rivals.one:
        if rivals.base is None:
            return Gate(KEPT, f"{kept}; and version {rivals.base_version}, the last that was better, cannot be asked")
        before = hold(rivals.base, ws, data, fitted, seed=seed)
        too = before.told(f"version {rivals.base_version}, the last that was better")
        if not _hardly_worse(before):
            return Gate(KEPT, f"{kept}; {too}, where it may be worse by 2 % or more")
        told = f"{told}; {too}"
    return Gate(NEWER, f"newer by {days:.0f} days and not worse by 2 %: {told}", rivals.base_version)


def _hardly_worse(contest: Contest) -> bool:
    return contest.difference.high < TOLERANCE * contest.their_loss
