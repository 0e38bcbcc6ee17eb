"""Changes as records: of each part its points, a sentence, and its reasons, each with what was so before and what is so after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.feature import Feature
from features.matrix import FeatureMatrix
from models.change_phrasing import base_sentence, no_activity, one_model, part_sentence
from models.changes import BASE, Looks, Shift, Split, split
from models.phrasing import Phrasing
from models.scorer import Scorer
from models.what_if import Imagined

Record = dict[str, object]
Value = float | str | None


@dataclass(frozen=True, eq=False)
class Seen:
    """What one model saw before a change and after it, and in which words it is told."""

    scorer: Scorer
    before: FeatureMatrix
    after: FeatureMatrix


def change_record(old: Looks, new: Looks, phrasing: Phrasing, count: int | None, row: int = 0) -> Record:
    """Return the reasons of a whole difference, so many of them, and its parts by name, with as many reasons each.

    The parts add up to the difference, player by player too. Where one model looked at both times, its part is 0 and says so. In
    the whole, what was before is what was so then. In the part of time, what is after would be so now had nothing happened, and
    in the part of behaviour that is what was before.
    """
    found = split(old, new)
    whole = told(found.whole, [Seen(one.scorer, one.then, one.now) for one in (new, old)], phrasing, count, row)
    return {"reasons": whole["reasons"], "rest": whole["rest"], "parts": _parts(found, old, new, phrasing, count, row)}


def _parts(found: Split, old: Looks, new: Looks, phrasing: Phrasing, count: int | None, row: int) -> dict[str, Record]:
    lang = phrasing.language
    time = [Seen(one.scorer, one.then, one.aged) for one in (new, old)]
    behaviour = [Seen(one.scorer, one.aged, one.now) for one in (new, old)]
    model = [Seen(one.scorer, one.now, one.now) for one in (new, old)]
    parts = {
        name: {"text": part_sentence(lang, name, shift.sums(row)[0]), **told(shift, seen, phrasing, count, row)}
        for name, shift, seen in (
            ("behaviour", found.behaviour, behaviour),
            ("time", found.time, time),
            ("model", found.model, model),
        )
    }
    if old.scorer is new.scorer:
        parts["model"]["text"] = one_model(lang)
    return parts


def what_if_record(found: Imagined, phrasing: Phrasing, count: int | None) -> Record:
    """Return the reasons of an imagined difference, so many of them, and its two parts, with as many reasons each.

    The parts add up to the difference, player by player too: being active at all, and the step itself beyond that.
    """
    scorer, lang = found.scorer, phrasing.language
    whole = told(found.shift, [Seen(scorer, found.without, found.with_it)], phrasing, count)
    parts = {
        name: {"text": part_sentence(lang, name, shift.sums(0)[0]), **told(shift, [Seen(scorer, *looks)], phrasing, count)}
        for name, shift, looks in (
            ("activity", found.activity, (found.without, found.active)),
            ("step", found.step, (found.active, found.with_it)),
        )
    }
    if np.array_equal(found.without.values, found.active.values, equal_nan=True):
        parts["activity"]["text"] = no_activity(lang)
    return {**whole, "parts": parts}


def told(shift: Shift, seen: list[Seen], phrasing: Phrasing, count: int | None, row: int = 0) -> Record:
    """Return one shift of one row: points and log-odds of all players, the listed reasons, and the sum of the others.

    `seen` are the models that looked, the one whose words are preferred first.
    """
    listed = shift.top(row, count)
    points, log_odds = shift.sums(row)
    rest = shift.sums(row, listed)
    return {
        "points": points,
        "log_odds": log_odds,
        "reasons": [_reason(shift, seen, phrasing, row, player) for player in listed],
        "rest": {"points": rest[0], "log_odds": rest[1]},
    }


def _reason(shift: Shift, seen: list[Seen], phrasing: Phrasing, row: int, player: int) -> Record:
    """Return one player's share as a record, every key always present."""
    name = shift.players[player]
    record: Record = {
        "player": name,
        "feature": None,
        "value_before": None,
        "value": None,
        "points": float(shift.points[row, player]),
        "log_odds": float(shift.log_odds[row, player]),
        "text_before": None,
        "text": "",
    }
    if name == BASE:
        new, old = seen[0].scorer, seen[-1].scorer
        return record | {
            "value_before": old.base,
            "value": new.base,
            "text": base_sentence(phrasing.language, old.base, new.base),
        }
    one, feature = _clearest(shift, seen, row, player)
    before, after = (_value(matrix, feature, row) for matrix in (one.before, one.after))
    definition = one.scorer.definition
    return record | {
        "feature": feature.name,
        "value_before": _whole(before),
        "value": _whole(after),
        "text_before": phrasing.sentence(feature, before, definition),
        "text": phrasing.sentence(feature, after, definition),
    }


def _clearest(shift: Shift, seen: list[Seen], row: int, player: int) -> tuple[Seen, Feature]:
    """Return the player's feature that speaks most clearly of the change, and a model that knows it.

    That is the one that pulls hardest in the player's own direction, out of those whose value changed if there are any.
    """
    name = shift.players[player]
    direction = -1.0 if shift.log_odds[row, player] < 0 else 1.0
    own: list[tuple[bool, float, Seen, Feature]] = []
    for place, column in enumerate(shift.columns):
        for one in seen:
            feature = _feature(one.scorer, column)
            if feature is not None and feature.player == name:
                changed = _value(one.before, feature, row) != _value(one.after, feature, row)
                own.append((changed, direction * float(shift.raw[row, place]), one, feature))
                break
    if own:
        best = max(own, key=lambda found: found[:2])
        return best[2], best[3]
    return next((one, feature) for one in seen for feature in one.scorer.feature_set.features if feature.player == name)


def _feature(scorer: Scorer, column: str) -> Feature | None:
    return scorer.feature_set[column] if column in scorer.feature_set.places else None


def _value(matrix: FeatureMatrix, feature: Feature, row: int) -> Value:
    if feature.kind == "category":
        label: str | None = matrix.labels[feature.name][row]
        return label
    number = float(matrix.column(feature.name)[row])
    return None if number != number else number


def _whole(value: Value) -> float | int | str | None:
    """Return 3 rather than 3.0: what is counted is written as it is said."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
