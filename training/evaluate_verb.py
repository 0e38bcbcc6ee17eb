"""The work of ``trialwise evaluate``: how good a registered version has turned out to be, on leads that are new to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.clock import NEVER, format_us
from features.errors import InputError, StoppedError
from features.reading.as_of_now import read_as_of_now
from features.reading.inactivity import close_inactive
from features.reading.model_part import as_trained
from features.tables import Tables
from features.workspace import Workspace, load_workspace
from models.champion import Champion, need_champion
from models.population import parse_when
from models.scorer import Scorer
from training.ages import fixed_ages
from training.dataset import label_rule
from training.evaluation import FEW_CLUSTERS, Answers, Evaluation, compare, evaluate
from training.metrics import Ranking
from training.rivals import load_version
from training.rows import Rows, rows_at
from training.scoring import probabilities, trained_at

Say = Callable[[str], None]
SEED = 0
"""The intervals of one version on one set of data are always the same."""


@dataclass(frozen=True, slots=True)
class NewLeads:
    """Mature looks at leads that began after a model had been trained, and the share of conversions that was known by then."""

    tables: Tables
    rows: Rows
    known_share: float | None


def run_evaluate(
    workspace: Path, *, version: str | None = None, as_of: str | None = None, age: float | None = None, say: Say
) -> dict[str, Any]:
    """Return every figure of a version (the champion) on mature leads that started after its training, with intervals.

    Raises
    ------
    InputError
        The leads have no dates, so that none is newer than another; there is no such version; its label is another one.
    StoppedError
        No lead that is new to the version has its horizon over, or all of them ended alike.
    """
    ws = load_workspace(workspace)
    need_dates(ws, "evaluate")
    ages = ages_of(ws, age)
    found = need_version(ws.name, version)
    cut = None if as_of is None else parse_when(as_of, "--as-of", ws)
    since = trained_at(found.scorer.meta.facts)
    new = new_leads(ws, found.scorer, ages, since=since, cut=cut)
    answers = answers_of(found.scorer, new)
    evaluation = evaluate(answers, seed=SEED)
    if evaluation is None:
        raise all_alike(found.ref.version, since, len(np.unique(new.rows.lead)))
    result = _result(found, ages, since, new, answers, evaluation)
    for line in _lines(result):
        say(line)
    return result


def need_dates(ws: Workspace, verb: str) -> None:
    """Refuse a table without dates: nobody in it is newer than a model."""
    if ws.data.undated:
        raise InputError(
            f"trialwise {verb} needs dates",
            given="a table of leads without any, where none can be told to be new to a model",
            expected="leads with started_at",
            do="read the figures that train printed: they are of leads that were kept apart",
        )


def need_version(name: str, version: str | None) -> Champion:
    """Return a registered version, by default the champion."""
    if version is None:
        return need_champion(name)
    found = load_version(name, version.strip())
    if found is None:
        raise InputError(f"{name} has no such version", given=version, expected="a registered one", do="see trialwise models")
    return found


def ages_of(ws: Workspace, age: float | None) -> tuple[float, ...]:
    """Return the ages in days at which leads are looked at: the one that is asked for, else those of the workspace file."""
    if age is None:
        return tuple(ws.snapshots.ages_days)
    if not 0 <= age <= 3650:
        raise InputError("--age is no age", given=f"{age:g}", expected="days, from 0 to 3650", do="correct it")
    return (age,)


def new_leads(ws: Workspace, scorer: Scorer, ages: tuple[float, ...], *, since: int, cut: int | None) -> NewLeads:
    """Read the data for a model, as they were known at `cut`, and look at the leads that started at or after `since`.

    The base rate beside it is the share of conversions among the looks of earlier leads that were mature at `since`.
    """
    own = as_trained(ws, scorer.definition)
    need_same_label(ws, scorer)
    tables, cut = read_as_of_now(ws, scorer.definition, cut=cut)
    now = tables.newest if cut is None else cut
    tables = close_inactive(own, tables)
    looks = np.broadcast_to(fixed_ages(ages), (len(tables.leads), len(ages)))
    rows, _ = rows_at(tables.leads, looks, label_rule(own), now=now)
    fresh, known = rows.started_at >= since, rows.mature_at <= since
    if not fresh.any():
        newest = int(tables.leads.started_at[tables.leads.started_at < NEVER].max(initial=0))
        raise StoppedError(
            "no lead that is new to the model has its whole horizon over",
            given=f"leads that started up to {format_us(newest)}, known as of {format_us(now)}",
            expected=f"a start from {format_us(since)} on, and {scorer.meta.horizon_days:g} days after the look",
            do="wait, bring newer data, or evaluate an older version",
        )
    share = float(np.average(rows.outcome[known], weights=rows.weight[known])) if known.any() else None
    return NewLeads(tables, rows.take(np.flatnonzero(fresh)), share)


def need_same_label(ws: Workspace, scorer: Scorer) -> None:
    """Refuse to hold a model to something that it did not promise."""
    given = (ws.label.horizon_days, float(ws.label.gap_hours))
    promised = (scorer.meta.horizon_days, float(scorer.meta.facts.get("gap_hours", given[1])))  # type: ignore[arg-type]
    if given != promised:
        raise InputError(
            "the model promises something else than the workspace file asks",
            given="a horizon of {:g} days after {:g} hours".format(*given),
            expected="{:g} days after {:g} hours".format(*promised),
            do="restore the label section, or train a model",
        )


def answers_of(scorer: Scorer, new: NewLeads) -> Answers:
    """Return what a model answers for new leads."""
    rows = new.rows
    probability = probabilities(scorer, new.tables, rows.lead, rows.as_of)
    return Answers(rows.lead, rows.cluster, rows.look, rows.outcome, probability)


def all_alike(version: str, since: int, leads: int) -> StoppedError:
    """Return the refusal where every new lead ended in the same way."""
    return StoppedError(
        "nothing can be said of leads that all ended alike",
        given=f"{leads:,} mature leads that started after {format_us(since)}, where version {version} was trained",
        expected="some that converted and some that did not",
        do="wait, or bring newer data",
    )


def _result(
    found: Champion, ages: tuple[float, ...], since: int, new: NewLeads, answers: Answers, evaluation: Evaluation
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": found.ref.name,
        "version": found.ref.version,
        "trained_as_of": format_us(since),
        "ages_days": list(ages),
        "first_start": format_us(int(new.rows.started_at.min())),
        "last_start": format_us(int(new.rows.started_at.max())),
        "looks": len(new.rows),
        "leads": evaluation.leads,
        "conversions": evaluation.conversions,
        "converting_clusters": evaluation.converting_clusters,
        "promised": float(answers.probability.mean()),
        "happened": float(answers.outcome.mean()),
        **evaluation.as_dict(ages),
        "calibration_groups": Ranking(answers.probability, answers.outcome).groups(),
        "base_rate": None,
    }
    if new.known_share is not None:
        constant = np.full(len(answers.outcome), new.known_share)
        gain = compare(answers, constant, seed=SEED)
        base = evaluate(answers.instead(constant), seed=SEED)
        result["base_rate"] = {
            "probability": new.known_share,
            "log_loss": base.macro["log_loss"].as_dict() if base else None,
            "brier": base.macro["brier"].as_dict() if base else None,
            "log_loss_minus_base_rate": {"value": gain.value, "low": gain.low, "high": gain.high},
        }
    return result


def _lines(result: dict[str, Any]) -> list[str]:
    """Return the figures for people, one a line."""
    ages = ", ".join(f"{age:g}" for age in result["ages_days"])
    lines = [
        f"version {result['version']} of {result['name']}, trained as of {result['trained_as_of']}",
        f"{result['leads']:,} leads that started from {result['first_start']} to {result['last_start']}, "
        f"{result['conversions']:,} conversions, looked at after {ages} days",
        f"promised {result['promised']:.4f}, happened {result['happened']:.4f}",
    ]
    rows = [("", result["macro"]), *((f"at {age} days: ", part) for age, part in result["by_age"].items())]
    for name, figures in [*rows, ("pooled: ", result["pooled"])]:
        if figures:
            told = (f"{key} {one['value']:.4f} [{one['low']:.4f}, {one['high']:.4f}]" for key, one in figures.items())
            lines.append(name + ", ".join(told))
    base = result["base_rate"]
    if base is None:
        lines.append("no base rate beside it: the data hold no lead that was mature when the model was trained")
    else:
        gain = base["log_loss_minus_base_rate"]
        lines.append(
            f"the base rate known at its training was {base['probability']:.4f}; "
            f"log-loss minus that of the base rate {gain['value']:+.5f} [{gain['low']:+.5f}, {gain['high']:+.5f}]"
        )
    if not result["reliable"]:
        few = f"fewer than {FEW_CLUSTERS} converting accounts or leads ({result['converting_clusters']})"
        lines.append(f"warning: {few}: the intervals are guesses")
    return lines
