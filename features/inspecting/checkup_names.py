"""Names in a workspace file that nothing in the data has: most often they are misspelt, and would be nought without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from features.catalog import feature_set
from features.names import fold, matches, nearest
from features.reading.table_report import Finding
from features.tables import Tables
from features.workspaces.behaviours import EventPattern
from features.workspaces.conditions import holds, text
from features.workspaces.schema import Workspace

_SHOWN = 5
_SIGNS = {"eq": "=", "in": "=", "ge": ">=", "gt": ">", "le": "<=", "lt": "<", "glob": "like"}


def idle_patterns(ws: Workspace, tables: Tables) -> Iterator[Finding]:
    """Yield a warning for each pattern that fits no event."""
    for key, pattern in _patterns(ws):
        if not any(matches(pattern.event, name) for name in tables.events.names):
            near = nearest(pattern.event, tables.unmapped or tables.events.names)
            yield Finding("warn", key, f"no event fits '{pattern.event}'{_meant(near)}")


def idle_conditions(ws: Workspace, tables: Tables) -> Iterator[Finding]:
    """Yield a warning for each wanted value of a property that no event of its pattern has."""
    for key, pattern in _patterns(ws):
        codes = [code for code, name in enumerate(tables.events.names) if matches(pattern.event, name)]
        if not codes or not pattern.where:
            continue
        mine = np.isin(tables.events.name, codes)
        for name, asked in pattern.where.items():
            seen = Counter(tables.events.properties[name][mine].tolist())
            for operator, wanted in asked.items():
                # Each of several wanted values may be the misspelt one.
                values = wanted if operator == "in" and isinstance(wanted, tuple) else (wanted,)
                for one in values:
                    if not any(holds(value, "eq" if operator == "in" else operator, one) for value in seen):
                        asks = f"{name} {_SIGNS[operator]} {text(one)}"
                        yield Finding("warn", key, f"no event of '{pattern.event}' has {asks}; {_told(seen)}")


def idle_traits(ws: Workspace, tables: Tables) -> Iterator[Finding]:
    """Yield a warning for each trait of a behaviour that no lead of the table has."""
    if "leads" not in tables.report:
        return
    columns = _columns(tables, ["leads"])
    for behaviour, one in ws.behaviours.items():
        for trait in one.traits:
            values = tables.leads.traits.get(trait)
            if values is not None and all(value is None for value in values):
                near = None if trait in columns else nearest(trait, columns)
                yield Finding("warn", f"behaviours.{behaviour}", f"no lead has a value of the trait '{trait}'{_meant(near)}")


def idle_exclusions(ws: Workspace, tables: Tables) -> Iterator[Finding]:
    """Yield a warning for each excluded name that nothing has: what it was meant to keep out may still be in use."""
    if not ws.exclude:
        return
    built_in = feature_set(ws.model_copy(update={"exclude": (), "features": {}, "attributes": {}}).definition()).names
    traits = [trait for one in ws.behaviours.values() for trait in one.traits]
    known = {*built_in, *ws.features, *ws.attributes, *traits, *_columns(tables, tables.report), *tables.events.names}
    for name in ws.exclude:
        if name not in known and fold(name) not in known:
            yield Finding("warn", "exclude", f"no column, feature or event is called '{name}'{_meant(nearest(name, known))}")


def _patterns(ws: Workspace) -> Iterator[tuple[str, EventPattern]]:
    if ws.data.events is None:
        return
    for name, behaviour in ws.behaviours.items():
        yield from ((f"behaviours.{name}", pattern) for pattern in behaviour.events)
    for name, feature in ws.features.items():
        yield from ((f"features.{name}", pattern) for pattern in feature.patterns)


def _columns(tables: Tables, names: Iterable[str]) -> set[str]:
    """Return the columns of some tables, as far as their files say."""
    return {column for name in names for origin in tables.report[name].origins for column in origin.columns() or ()}


def _meant(near: str | None) -> str:
    return "" if near is None else f"; did you mean '{near}'?"


def _told(seen: Counter[object]) -> str:
    """Say which values there are, the most frequent first."""
    told = list(dict.fromkeys(text(value) for value, _ in seen.most_common() if value is not None and value == value))
    return f"seen: {', '.join(told[:_SHOWN])}{', ...' if len(told) > _SHOWN else ''}" if told else "none of them has any value"
