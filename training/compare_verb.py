"""The work of ``trialwise compare``: two versions on leads that are new to both, and what changed between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import format_us
from features.errors import InputError
from features.workspace import Workspace, load_workspace
from models import registry
from models.champion import Champion, need_champion
from models.population import parse_when
from models.registry import CHALLENGER, CHAMPION
from training.evaluate_verb import NewLeads, all_alike, answers_of, need_dates, need_version, new_leads
from training.evaluation import FEW_CLUSTERS, REPLICATES, Answers, Difference, compare, resampled
from training.metrics import Floats, Ranking
from training.scoring import trained_at

Mask = NDArray[np.bool_]
Say = Callable[[str], None]
SEED = 0
FACTS = ("as_of", "rows", "leads", "conversions", "verdict", "anchor_shift")


def run_compare(
    workspace: Path, version: str | None = None, other: str | None = None, *, as_of: str | None = None, say: Say
) -> dict[str, Any]:
    """Compare a version with another (the champion); without any, the challenger, or the newest, with the champion.

    Raises
    ------
    InputError
        The leads have no dates; there is no such version, or nothing to compare it with.
    StoppedError
        No lead that is new to both has its horizon over, or all of them ended alike. What changed has been said by then.
    """
    ws = load_workspace(workspace)
    need_dates(ws, "compare")
    one = need_version(ws.name, version or _challenger(ws.name))
    two = need_champion(ws.name) if other is None else need_version(ws.name, other)
    if one.ref.version == two.ref.version:
        raise InputError(
            "there is nothing to compare",
            given=f"version {one.ref.version} twice",
            expected="two versions",
            do="name another one",
        )
    changes = what_changed(one, two)
    for line in _change_lines(one, two, changes):
        say(line)
    result = {"name": ws.name, "version": one.ref.version, "against": two.ref.version, "changes": changes}
    result |= _figures(ws, one, two, None if as_of is None else parse_when(as_of, "--as-of", ws))
    for line in _figure_lines(result):
        say(line)
    return result


def what_changed(one: Champion, two: Champion) -> dict[str, Any]:
    """Return in what a version differs from another: columns, learner, data and facts, each as it was and as it is."""
    ours, theirs = set(one.scorer.names), set(two.scorer.names)
    plain: dict[str, list[Any]] = {
        "learner": [two.scorer.learner.kind, one.scorer.learner.kind],
        "calibration": [two.scorer.calibrator.method, one.scorer.calibrator.method],
        "horizon_days": [two.scorer.meta.horizon_days, one.scorer.meta.horizon_days],
        "fingerprint": [two.scorer.definition.fingerprint, one.scorer.definition.fingerprint],
        **{name: [two.scorer.meta.facts.get(name), one.scorer.meta.facts.get(name)] for name in FACTS},
    }
    return {
        "features_added": sorted(ours - theirs),
        "features_removed": sorted(theirs - ours),
        **{name: {"from": before, "to": after} for name, (before, after) in plain.items()},
    }


def difference_in_auc(answers: Answers, other: Floats, *, seed: int) -> Difference:
    """Return the first AUC minus the other's, averaged over ages, by resampling whole clusters; above 0 the first is better."""
    _, cluster = np.unique(answers.cluster, return_inverse=True)
    parts = [np.flatnonzero(answers.look == look) for look in np.unique(answers.look)]
    parts = [part for part in parts if 0 < answers.outcome[part].mean() < 1]
    pairs = [tuple(Ranking(p[part], answers.outcome[part]) for p in (answers.probability, other)) for part in parts]

    def gap(weight: Floats) -> float:
        gaps = [
            one.figures(weight[part])[0] - two.figures(weight[part])[0] for part, (one, two) in zip(parts, pairs, strict=True)
        ]
        known = [value for value in gaps if value == value]
        return float(np.mean(known)) if known else float("nan")

    clusters, rng = int(cluster.max()) + 1, np.random.default_rng(seed)
    drawn = np.array([gap(resampled(rng, clusters)[cluster]) for _ in range(REPLICATES)])
    drawn = drawn[~np.isnan(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Difference(gap(np.ones(len(cluster))), float(low), float(high), float(drawn.std(ddof=1)))


def _challenger(name: str) -> str:
    """Return the version that the alias challenger names, else the newest that does not serve."""
    whole = [one for one in registry.versions(name) if one.digest and CHAMPION not in one.aliases]
    found = next((one for one in whole if CHALLENGER in one.aliases), whole[-1] if whole else None)
    if found is None:
        raise InputError(
            "there is nothing to compare with the champion", given=f"no other version of {name}", expected="two", do="train again"
        )
    return found.version


def _figures(ws: Workspace, one: Champion, two: Champion, cut: int | None) -> dict[str, Any]:
    """Return the paired differences on leads that are new to both."""
    since = max(trained_at(model.scorer.meta.facts) for model in (one, two))
    ages = tuple(ws.snapshots.ages_days)
    ours = new_leads(ws, one.scorer, ages, since=since, cut=cut)
    theirs = new_leads(ws, two.scorer, ages, since=since, cut=cut)
    answers, other = answers_of(one.scorer, ours), answers_of(two.scorer, theirs)
    # Two models may read the data differently: by another time zone, another rule of inactivity.
    here, there = _shared(ours, theirs)
    answers, probability = answers.where(here), other.where(there).probability
    leads = len(np.unique(answers.lead))
    if not leads or answers.outcome.min() == answers.outcome.max():
        raise all_alike(f"{one.ref.version} or {two.ref.version}", since, leads)
    bought = answers.outcome == 1
    clusters = len(np.unique(answers.cluster[bought]))
    return {
        "new_since": format_us(since),
        "ages_days": list(ages),
        "leads": leads,
        "conversions": len(np.unique(answers.lead[bought])),
        "reliable": clusters >= FEW_CLUSTERS,
        "log_loss": _plain(compare(answers, probability, seed=SEED)),
        "auc": _plain(difference_in_auc(answers, probability, seed=SEED)),
    }


def _shared(one: NewLeads, other: NewLeads) -> tuple[Mask, Mask]:
    """Tell which looks each of two readings shares with the other: the same lead, as of the same instant."""
    ours, theirs = (
        list(zip([new.tables.leads.ids[place] for place in new.rows.lead.tolist()], new.rows.as_of.tolist(), strict=True))
        for new in (one, other)
    )
    both = set(ours) & set(theirs)
    return np.array([look in both for look in ours]), np.array([look in both for look in theirs])


def _change_lines(one: Champion, two: Champion, changes: dict[str, Any]) -> list[str]:
    """Return what changed for people, one thing a line."""
    lines = [f"version {one.ref.version} against version {two.ref.version} of {one.ref.name}"]
    for name, change in changes.items():
        words = name.replace("_", " ")
        if isinstance(change, list):
            lines += [f"{words}: {', '.join(change)}"] if change else []
        elif change["from"] != change["to"]:
            lines.append(f"{words}: {change['from']} -> {change['to']}")
    return lines if len(lines) > 1 else [*lines, "the two were made of the same data in the same way"]


def _figure_lines(result: dict[str, Any]) -> list[str]:
    """Return the differences for people."""
    leads = f"{result['leads']:,} leads that started from {result['new_since']} on, {result['conversions']:,} conversions"
    lines = [f"on {leads}:"]
    for name, better in (("log_loss", "lower"), ("auc", "higher")):
        one = result[name]
        interval = f"{one['difference']:+.5f} [{one['low']:+.5f}, {one['high']:+.5f}]"
        sure = "" if one["low"] > 0.0 or one["high"] < 0.0 else ", which may be chance"
        told = f"{name.replace('_', '-')} of version {result['version']} minus that of {result['against']}"
        lines.append(f"{told}: {interval} ({better} is better){sure}")
    if not result["reliable"]:
        lines.append(f"warning: fewer than {FEW_CLUSTERS} converting accounts or leads: the intervals are guesses")
    return lines


def _plain(one: Difference) -> dict[str, float]:
    return {"difference": one.value, "low": one.low, "high": one.high}
