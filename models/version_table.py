"""The table of versions: from which data and run each came, how good it was, and why it serves or does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from features.clock import format_us
from models.registry.promoting import FORCED, GATE_TAG, PROMOTED, Decision, decisions
from models.registry.registered import CHAMPION, Training, Version
from models.registry.signing import is_signed

_DATA = re.compile(r"data\.(?P<table>[^.]+)\.\d+\.(?P<name>.+)")
_SHORT = 12
"""So many characters of a digest tell data sets apart at a glance."""


def version_rows(versions: Sequence[Version], trainings: Mapping[str, Training]) -> list[dict[str, Any]]:
    """Return a row for each version, newest first, in the shape that ``models --json`` prints."""
    every = sorted(chain.from_iterable(decisions(one) for one in versions), key=lambda decision: decision.at)
    nothing = Training({}, {})
    return [_row(one, trainings.get(one.run_id, nothing), every) for one in reversed(versions)]


def table_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the rows as lines for people: a line of figures for each version, and under it why, from what, and by which run.

    >>> row = {"version": "2", "aliases": ["champion"], "as_of": "2026-05-01T00:00:00.000000Z", "verdict": "publish: AUC .80"}
    >>> row |= {"learner": "blend", "log_loss": {"value": 0.3, "low": 0.25, "high": 0.35}, "why": "promoted: better"}
    >>> row |= {"data": {"leads.csv": "1f2e3d4c5b6a"}, "run_id": "9a8b"}
    >>> for line in table_lines([row]):
    ...     print(line)
    version  aliases               as of       verdict           learner     log-loss
          2  champion              2026-05-01  publish           blend       0.3000 [0.2500, 0.3500]
             promoted: better
             data leads.csv 1f2e3d4c5b6a; run 9a8b
    """
    yield f"{'version':>7}  {'aliases':<20}  {'as of':<10}  {'verdict':<16}  {'learner':<10}  log-loss"
    for row in rows:
        loss = row["log_loss"]
        figures = f"{loss['value']:.4f} [{loss['low']:.4f}, {loss['high']:.4f}]" if loss else "-"
        aliases, day = ", ".join(row["aliases"]) or "-", row["as_of"][:10] or "-"
        word, learner = row["verdict"].partition(":")[0] or "-", row["learner"] or "-"
        yield f"{row['version']:>7}  {aliases:<20}  {day:<10}  {word:<16}  {learner:<10}  {figures}"
        yield f"{'':9}{row['why']}"
        data = ", ".join(f"{name} {digest}" for name, digest in row["data"].items()) or "no files"
        yield f"{'':9}data {data}; run {row['run_id'] or '-'}"


def _row(version: Version, training: Training, every: Sequence[Decision]) -> dict[str, Any]:
    tags, own = version.tags, decisions(version)
    kind, _, reason = tags.get(GATE_TAG, "").partition(": ")
    return {
        "version": version.version,
        "aliases": list(version.aliases),
        "registered_at": format_us(version.created_ms * 1000),
        "as_of": tags.get("trialwise.as_of", ""),
        "verdict": tags.get("trialwise.verdict", ""),
        "learner": training.params.get("recipe.learner", ""),
        "log_loss": _interval(training.metrics, "log_loss"),
        "gate": {"decision": kind, "reason": reason},
        "decisions": [{"at": one.at, "decision": one.kind, "reason": one.reason} for one in own],
        "why": _why(version, kind, reason, own, every),
        "data": _data(training.params),
        "fingerprint": tags.get("trialwise.fingerprint", ""),
        "digest": version.digest,
        "run_id": version.run_id,
    }


def _why(version: Version, kind: str, reason: str, own: Sequence[Decision], every: Sequence[Decision]) -> str:
    """Say in one line why a version serves or does not."""
    if not version.digest:
        return "does not serve: its registration was cut off"
    if CHAMPION in version.aliases:
        if not is_signed(version.ref):
            return "does not serve where the promotion key is set: it is not signed with it"
        if not own or every[-1].version != version.version:
            return "serves: its alias was moved by hand"
        return f"serves since {own[-1].at}: {own[-1].kind}: {own[-1].reason}"
    if own:
        after = next((one for one in every if one.at > own[-1].at), None)
        if after is None:
            return "does not serve: the alias champion was moved by hand"
        return f"served from {own[-1].at} until {after.at}, when version {after.version} was {after.kind}: {after.reason}"
    if kind in (PROMOTED, FORCED):
        return f"does not serve: its promotion was cut off ({kind}: {reason})"
    return f"does not serve: {kind}: {reason}" if kind else "does not serve: nobody promoted it"


def _interval(metrics: Mapping[str, float], name: str) -> dict[str, float] | None:
    """Return a figure with its 95 % interval, None where it was not measured."""
    ends = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
    if not all(key in metrics for key in ends.values()):
        return None
    return {end: metrics[key] for end, key in ends.items()}


def _data(params: Mapping[str, str]) -> dict[str, str]:
    """Return the beginning of each file's SHA-256, by the file's name."""
    found = {}
    for key, value in sorted(params.items()):
        if match := _DATA.fullmatch(key):
            # Files of one name in several folders are each told.
            name, again = match["name"], 1
            while name in found:
                again += 1
                name = f"{match['name']} ({again})"
            found[name] = value[:_SHORT]
    return found
