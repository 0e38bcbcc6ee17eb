"""The catalogue as people and programs read it: every feature with its meaning, player, window, bounds and missing rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from features.catalog import feature_set
from features.catalog_families import MOST, NEVER_MISSING
from features.catalog_words import patterns_data
from features.definition import Definition
from features.feature import Feature
from features.selectors import OWN
from features.workspace import load_workspace
from features.workspaces.behaviours import ANY
from features.workspaces.own_words import own_words

_HEADINGS = ("FEATURE", "PLAYER", "FAMILY", "WINDOW", "VALUES", "MEANING")


def catalogue_rows(workspace: Path) -> list[dict[str, Any]]:
    """Return every feature of a workspace file, in the order of the columns of the matrix.

    Meanings are in English, with the workspace's own words where it has some. The events of a feature come with what is asked of
    their properties. Bounds are what a value can be at all; a category has none, since its values are texts.
    """
    ws = load_workspace(workspace)
    features = feature_set(ws.definition(), phrases=own_words(ws.phrases, ws.behaviours, "en"))
    return [_row(features.definition, feature) for feature in features.features]


def _row(definition: Definition, feature: Feature) -> dict[str, Any]:
    mates = feature.over == "mates"
    numbers = feature.kind == "number"
    return {
        "name": feature.name,
        "meaning": feature.meaning,
        "player": feature.player,
        "family": f"account_{feature.family}" if mates else feature.family,
        "kind": feature.kind,
        "unit": feature.unit,
        "window": feature.window,
        "events": _events(definition, feature),
        "lower": feature.lower if numbers else None,
        "upper": feature.upper if numbers else None,
        "missing": feature.missing,
        "over": feature.over,
    }


def _events(definition: Definition, feature: Feature) -> list[dict[str, object]]:
    """Return the events that a feature looks at, with their conditions; none where it looks at something else."""
    key = feature.selector
    if key is None or feature.family == "profile_filled":
        return []
    if key == ANY:
        return [{"event": "*", "where": {}}]
    own = key.startswith(OWN)
    return patterns_data(definition.features[key.removeprefix(OWN)].patterns if own else definition.behaviours[key].events)


def catalogue_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the catalogue as a table, one line a feature, with a heading.

    >>> row = {"name": "sales_recency_h", "meaning": "Hours since the lead last talked with sales", "player": "sales",
    ...        "family": "recency_h", "kind": "number", "unit": "hours", "window": None, "lower": 0.0, "upper": 1200000.0,
    ...        "missing": "while there is no such event", "over": "lead"}
    >>> for line in catalogue_lines([row]):
    ...     print(line)
    FEATURE          PLAYER  FAMILY     WINDOW  VALUES                MEANING
    sales_recency_h  sales   recency_h  -       0 to 1,200,000 hours  Hours since the lead last talked with sales \
(missing while there is no such event)
    """
    cells = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    for line in cells:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    rule = row["missing"]
    meaning = row["meaning"] if rule == NEVER_MISSING else f"{row['meaning']} (missing {rule})"
    return row["name"], row["player"], row["family"], row["window"] or "-", _values(row), meaning


def _values(row: Mapping[str, Any]) -> str:
    """Return what a value can be, in words."""
    if row["kind"] == "category":
        return "a text"
    low, high = row["lower"], row["upper"]
    if row["unit"] == "yes or no":
        return "0 or 1"
    limits = "any number" if low <= -MOST else f"{low:,.0f} or more" if high >= MOST else f"{low:,.0f} to {high:,.0f}"
    return f"{limits} {row['unit']}".rstrip()
