"""FeatureMatrix: the numbers of many looks at many leads, or of one look at one lead. Both ways run the same kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features import kernel
from features.calendar import local_days
from features.clock import DAY_US, NEVER
from features.definition import Definition
from features.exact import number
from features.feature import AGE, HAS_END, LEFT, ONE, FeatureSet
from features.history import EventRow, History, Plan, build_history, history_of_rows
from features.reading.cells import cell_text

if TYPE_CHECKING:
    import pandas as pd

    from features.tables import Leads, Tables


@dataclass(frozen=True, slots=True)
class FeatureMatrix:
    """One row for each look: the features in the order of the catalogue, categories as codes."""

    features: FeatureSet
    values: NDArray[np.float64]
    """Missing is NaN; a category is NaN when missing, 0 when not in the vocabulary, else its place in it, from 1."""
    labels: dict[str, NDArray[np.object_]]
    """The categories themselves, as text or None."""
    lead_index: NDArray[np.int64]
    as_of: NDArray[np.int64]
    features_as_of: NDArray[np.int64]
    """When the newest event behind a row became known; the start of the lead where there is none."""

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one feature of every row."""
        return self.values[:, self.features.index(name)]

    def frame(self, ids: Sequence[str]) -> pd.DataFrame:
        """Return lead_id, as_of and the features in order, with categories as text; `ids` are those of the leads by index."""
        import pandas as pd

        undated = self.features.definition.undated
        columns: dict[str, Any] = {
            "lead_id": [ids[index] for index in self.lead_index],
            "as_of": [None] * len(self) if undated else _utc_text(self.as_of),
        }
        for place, feature in enumerate(self.features.features):
            text_or_none = feature.kind == "category"
            # Without a dtype pandas would turn None into NaN.
            columns[feature.name] = pd.Series(self.labels[feature.name], dtype=object) if text_or_none else self.values[:, place]
        return pd.DataFrame(columns)

    def row(self, index: int) -> dict[str, float | str | None]:
        """Return one row as name -> number, text or None."""
        found: dict[str, float | str | None] = {}
        for place, feature in enumerate(self.features.features):
            value = float(self.values[index, place])
            found[feature.name] = None if value != value else value
            if feature.kind == "category":
                found[feature.name] = self.labels[feature.name][index]
        return found


@dataclass(frozen=True, slots=True)
class LiveLead:
    """What is stored of one lead. Every value comes with the instant at which it became known."""

    lead_id: str
    started_at: int
    trial_ends: Sequence[tuple[int, int]]
    """Ends of the trial as they were told; the last one known counts."""
    attributes: Mapping[str, tuple[object, int]]
    """Attributes and traits of the profile."""
    events: Sequence[EventRow]


def compute(
    feature_set: FeatureSet,
    tables: Tables,
    lead_index: NDArray[Any],
    as_of: NDArray[np.int64],
    *,
    history: History | None = None,
) -> FeatureMatrix:
    """Compute one row for each pair of a lead, by its place in the table, and an instant.

    Only what was known at the instant is used. Who computes many matrices of one table builds its `history` once, with
    ``build_history(feature_set.plan, tables.events, len(tables.leads.ids))``.
    """
    leads = tables.leads
    lead = np.ascontiguousarray(lead_index, dtype=np.int64)
    if history is None and not feature_set.definition.undated:
        history = build_history(feature_set.plan, tables.events, len(leads.ids))
    start = leads.started_at[lead]
    ends = leads.trial_ends_at[lead]
    filled = {name: _traits_known(leads, behaviour.traits)[lead] for name, behaviour in feature_set.definition.behaviours.items()}
    columns: dict[str, NDArray[Any]] = {name: leads.attributes[name][lead] for name in feature_set.definition.attributes}
    return _matrix(feature_set, feature_set.plan, history, lead, lead, as_of, start, ends, filled, columns)


def compute_one(
    feature_set: FeatureSet, plan: Plan, lead: LiveLead, as_of: int, *, look: Callable[..., None] = kernel.look
) -> FeatureMatrix:
    """Compute the row of one lead from what is stored of it; `plan` is that of the feature set, or an equal one."""
    definition = feature_set.definition
    known = {name: value for name, (value, since) in lead.attributes.items() if since <= as_of}
    ends = [(since, end) for end, since in lead.trial_ends if since <= as_of]
    columns: dict[str, NDArray[Any]] = {}
    for name, kind in definition.attributes.items():
        columns[name] = np.array([_attribute(known.get(name), kind)], dtype=object if kind == "category" else np.float64)
    filled = {
        name: np.array([sum(_attribute(known.get(trait), "category") is not None for trait in behaviour.traits)], dtype=np.int64)
        for name, behaviour in definition.behaviours.items()
        if behaviour.traits
    }
    return _matrix(
        feature_set,
        plan,
        None if definition.undated else history_of_rows(plan, lead.events),
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.array([as_of], dtype=np.int64),
        np.array([lead.started_at], dtype=np.int64),
        np.array([max(ends)[1] if ends else NEVER], dtype=np.int64),
        filled,
        columns,
        look,
    )


def _matrix(
    feature_set: FeatureSet,
    plan: Plan,
    history: History | None,
    lead_index: NDArray[np.int64],
    place: NDArray[np.int64],
    as_of: NDArray[np.int64],
    start: NDArray[np.int64],
    ends: NDArray[np.int64],
    filled: Mapping[str, NDArray[np.int64]],
    columns: Mapping[str, NDArray[Any]],
    look: Callable[..., None] = kernel.look,
) -> FeatureMatrix:
    definition, program = feature_set.definition, feature_set.program
    values = np.empty((len(place), len(feature_set)), dtype=np.float64)
    newest = start.copy()
    as_of = np.ascontiguousarray(as_of, dtype=np.int64)
    if history is not None:
        given = np.zeros((len(place), len(program.given)), dtype=np.int64)
        moments = _moments(definition, as_of, start, ends)
        for column, cell in enumerate(program.given):
            given[:, column] = moments[cell] if cell in moments else filled[cell.selector]
        today = np.empty(len(place), dtype=np.int32)
        local_days(plan.calendar, as_of, today)
        look(history, program.layout, program.quotients, place, as_of, start, today, given, values, newest)
    labels: dict[str, NDArray[np.object_]] = {}
    for position, feature in enumerate(feature_set.features):
        if feature.quotient is not None:
            continue
        column_values = columns[feature.name]
        if feature.kind == "category":
            labels[feature.name] = column_values
            column_values = _codes(column_values, definition.categories.get(feature.name, ()))
        values[:, position] = column_values
    return FeatureMatrix(feature_set, values, labels, lead_index, as_of, newest)


def _moments(
    definition: Definition, as_of: NDArray[np.int64], start: NDArray[np.int64], ends: NDArray[np.int64]
) -> dict[Any, NDArray[np.int64]]:
    """Return the given numbers of each look that concern the trial."""
    if definition.trial_days is not None:
        ends = np.where(ends == NEVER, start + round(definition.trial_days * DAY_US), ends)
    has_end = ends != NEVER
    return {
        ONE: np.ones(len(as_of), dtype=np.int64),
        AGE: np.maximum(as_of - start, 0),
        LEFT: np.where(has_end, np.maximum(ends - as_of, 0), 0),
        HAS_END: has_end.astype(np.int64),
    }


def _attribute(value: object, kind: str) -> object:
    """Read a stored attribute as the tables read it: a number or NaN, a text or None."""
    if kind == "number":
        read = number(value)
        return np.nan if read is None else read
    return None if value is None or value != value or value == "" else cell_text(value)


def _traits_known(leads: Leads, traits: Sequence[str]) -> NDArray[np.int64]:
    """Count for each lead how many of some traits it has."""
    count = np.zeros(len(leads.ids), dtype=np.int64)
    for trait in traits:
        column = leads.attributes.get(trait, leads.traits.get(trait))
        if column is not None:
            count += [value is not None and value == value for value in column]
    return count


def _codes(values: NDArray[np.object_], known: Sequence[str]) -> NDArray[np.float64]:
    code: dict[object, float] = {value: place + 1.0 for place, value in enumerate(known)}
    code[None] = np.nan
    return np.array([code.get(value, 0.0) for value in values], dtype=np.float64)


def _utc_text(us: NDArray[np.int64]) -> list[str]:
    return [str(one) for one in np.datetime_as_string(us.astype("datetime64[us]"), unit="us", timezone="UTC")]
