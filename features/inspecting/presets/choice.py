"""Which preset: the one that was named, or the one that the columns tell."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from features.errors import InputError
from features.inspecting.columns import Sample
from features.inspecting.presets.tools import CALLS, PRESETS, TOOLS, Tool
from features.names import nearest
from features.reading.column_terms import parse_term
from features.reading.nested import CONTAINERS


def check_preset(preset: str | None) -> None:
    """Refuse a preset that does not exist, with the nearest that does."""
    if preset is None or preset in PRESETS:
        return
    near = nearest(preset.lower(), PRESETS)
    raise InputError(
        f"there is no preset '{preset}'",
        given=preset,
        expected=f"one of {', '.join(PRESETS)}",
        do=f"did you mean '{near}'?" if near else "choose one of them, or leave --preset out",
    )


def told_by(sample: Sample) -> tuple[str, str] | None:
    """Return the preset whose columns a file has, and what that is; None unless exactly one fits."""
    found = [(preset, tool.title) for preset, tool in (*TOOLS.items(), ("segment", CALLS)) if has_marks(tool, sample.columns)]
    return found[0] if len(found) == 1 else None


def has_marks(tool: Tool, columns: Collection[str]) -> bool:
    """Tell whether columns are those of a tool."""
    return not missing_marks(tool, columns)


def missing_marks(tool: Tool, columns: Collection[str]) -> list[tuple[str, ...]]:
    """Return the groups of columns of which a tool's export has one, and these columns have none."""
    folded = {column.lower() for column in columns}
    return [group for group in tool.marks if not any(one.lower() in folded for one in group)]


def usable(terms: Sequence[str], columns: Collection[str]) -> list[str]:
    """Return the terms whose columns are there; a path is there if what it begins with is."""
    return [term for term in terms if all(_there(one, columns) for choice in parse_term(term) for one in choice.columns)]


def _there(name: str, columns: Collection[str]) -> bool:
    head, _, rest = name.partition(".")
    if head in CONTAINERS and rest:
        return head in columns or _there(rest, columns)
    parts = name.split(".")
    return any(".".join(parts[: i + 1]) in columns for i in range(len(parts)))
