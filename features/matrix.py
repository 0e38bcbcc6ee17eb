"""FeatureMatrix: the numbers of many looks at many leads, or of one look at one lead. Both ways run the same kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features import kernel
from features.arrays import Looks
from features.calendar import local_days
from features.clock import DAY_US, NEVER
from features.definition import Definition
from features.exact import number
from features.feature import AGE, HAS_END, LEFT, ONE, Cell, FeatureSet
from features.history import EventRow, History, Plan
from features.layout import FILLED
from features.mates import LiveAccount, LiveMate
from features.reading.cells import cell_text
from features.walks import Source, Walk

if TYPE_CHECKING:
    import pandas as pd

    from features.tables import Leads, Tables


__all__ = ["FeatureMatrix", "LiveAccount", "LiveLead", "LiveMate", "compute", "compute_in_pieces", "compute_one"]


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
    account: LiveAccount | None = None
    """Its account, the same for every lead of it, so that it is pooled once; None while no account is known."""


def compute(
    feature_set: FeatureSet,
    tables: Tables,
    lead_index: NDArray[Any],
    as_of: NDArray[np.int64],
    *,
    history: History | None = None,
) -> FeatureMatrix:
    """Compute one row for each pair of a lead, by its place in the table, and an instant.

    Only what was known at the instant is used. The histories of the leads are built piece by piece; who has that of all leads
    already, from ``build_history(feature_set.plan, tables.events, len(tables.leads.ids))``, gives it as `history`.
    """
    return _computed(feature_set, tables, Source.of(feature_set, tables, history), lead_index, as_of)


def compute_in_pieces(
    feature_set: FeatureSet, tables: Tables, lead_index: NDArray[Any], as_of: NDArray[np.int64], *, at_once: int = 20_000
) -> Iterator[FeatureMatrix]:
    """Compute the same rows, so many at once, in their order: memory is bounded by a piece, whatever the size of the tables."""
    source = Source.of(feature_set, tables)
    for first in range(0, len(lead_index), at_once):
        yield _computed(feature_set, tables, source, lead_index[first : first + at_once], as_of[first : first + at_once])


def _computed(
    feature_set: FeatureSet, tables: Tables, source: Source, lead_index: NDArray[Any], as_of: NDArray[np.int64]
) -> FeatureMatrix:
    definition, leads = feature_set.definition, tables.leads
    lead, as_of = (np.ascontiguousarray(column, dtype=np.int64) for column in (lead_index, as_of))
    start, ends = leads.started_at[lead], _trial_ends(leads, lead, as_of)
    values, newest = _empty(feature_set, len(lead)), start.copy()
    if not definition.undated:
        filled = {
            name: _traits_known(leads, one.traits, lead, as_of) for name, one in definition.behaviours.items() if one.traits
        }
        for rows, walks in source.pieces(lead, as_of):
            moments = _moments(definition, as_of[rows], start[rows], ends[rows])
            given = moments | {Cell(FILLED, name): count[rows] for name, count in filled.items()}
            _write(feature_set, walks, rows, as_of[rows], start[rows], given, values, newest, kernel.look)
    columns = {name: _as_known(leads, name, leads.attributes[name], lead, as_of) for name in definition.attributes}
    return FeatureMatrix(feature_set, values, _with_attributes(feature_set, columns, values), lead, as_of, newest)


def compute_one(
    feature_set: FeatureSet, plan: Plan, lead: LiveLead, as_of: int, *, look: Callable[..., None] = kernel.look
) -> FeatureMatrix:
    """Compute the row of one lead from what is stored of it; `plan` is that of the feature set, or an equal one."""
    definition = feature_set.definition
    known = {name: value for name, (value, since) in lead.attributes.items() if since <= as_of}
    moment, start = np.array([as_of], dtype=np.int64), np.array([lead.started_at], dtype=np.int64)
    values, newest = _empty(feature_set, 1), start.copy()
    if not definition.undated:
        ends = [(since, end) for end, since in lead.trial_ends if since <= as_of]
        given = _moments(definition, moment, start, np.array([max(ends)[1] if ends else NEVER], dtype=np.int64))
        for name, one in definition.behaviours.items():
            if one.traits:
                count = sum(_attribute(known.get(trait), "category") is not None for trait in one.traits)
                given[Cell(FILLED, name)] = np.array([count], dtype=np.int64)
        walks = [Walk.of_lead(plan, feature_set.program, lead.events)]
        if feature_set.over_mates and lead.account is not None:
            walks.append(Walk.of_mates(plan, feature_set.mates_program, lead.account, lead.lead_id))
        _write(feature_set, walks, np.zeros(1, dtype=np.int64), moment, start, given, values, newest, look)
    columns: dict[str, NDArray[Any]] = {}
    for name, kind in definition.attributes.items():
        columns[name] = np.array([_attribute(known.get(name), kind)], dtype=object if kind == "category" else np.float64)
    labels = _with_attributes(feature_set, columns, values)
    return FeatureMatrix(feature_set, values, labels, np.zeros(1, dtype=np.int64), moment, newest)


def _empty(feature_set: FeatureSet, rows: int) -> NDArray[np.float64]:
    """Return room for a matrix; who has no account has no features over its mates, and nothing writes them."""
    shape = rows, len(feature_set)
    return np.full(shape, np.nan) if feature_set.over_mates else np.empty(shape)


def _write(
    feature_set: FeatureSet,
    walks: Sequence[Walk],
    rows: NDArray[np.int64],
    as_of: NDArray[np.int64],
    start: NDArray[np.int64],
    given: Mapping[Cell, NDArray[np.int64]],
    values: NDArray[np.float64],
    newest: NDArray[np.int64],
    look: Callable[..., None],
) -> None:
    """Run the kernel: write the features into some rows, and when the newest event behind each look became known."""
    today = np.empty(len(rows), dtype=np.int32)
    local_days(feature_set.plan.calendar, as_of, today)
    for walk in walks:
        cells = np.empty((len(rows), len(walk.program.given)), dtype=np.int64)
        for column, cell in enumerate(walk.program.given):
            cells[:, column] = given.get(cell, 0)
        looks = Looks(rows, walk.place, walk.lead, as_of, start, today, cells)
        look(walk.history, walk.pool, walk.program.layout, walk.program.quotients, looks, values, newest)


def _with_attributes(
    feature_set: FeatureSet, columns: Mapping[str, NDArray[Any]], values: NDArray[np.float64]
) -> dict[str, NDArray[np.object_]]:
    """Write the attributes beside the features that were computed; return the texts of the categories."""
    labels: dict[str, NDArray[np.object_]] = {}
    for position, feature in enumerate(feature_set.features):
        if feature.quotient is not None:
            continue
        column = columns[feature.name]
        if feature.kind == "category":
            labels[feature.name] = column
            column = _codes(column, feature_set.definition.categories.get(feature.name, ()))
        values[:, position] = column
    return labels


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


def _as_known(leads: Leads, name: str, column: NDArray[Any], lead: NDArray[np.int64], as_of: NDArray[np.int64]) -> NDArray[Any]:
    """Return an attribute or trait of each look, missing where it was not known yet."""
    values, known = column[lead], leads.known.get(name)
    if known is not None:
        values[known[lead] > as_of] = np.nan if values.dtype.kind == "f" else None
    return values


def _trial_ends(leads: Leads, lead: NDArray[np.int64], as_of: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return when the trial of each look ends, as it was told last by then."""
    ends = leads.trial_ends_at[lead]
    for _, told in sorted(leads.ends_told.items()):
        ends = np.where(told[lead, 0] <= as_of, told[lead, 1], ends)
    return ends


def _traits_known(leads: Leads, traits: Sequence[str], lead: NDArray[np.int64], as_of: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count for each look how many of some traits the lead has."""
    count = np.zeros(len(lead), dtype=np.int64)
    for trait in traits:
        column = leads.attributes.get(trait, leads.traits.get(trait))
        if column is not None:
            values = _as_known(leads, trait, column, lead, as_of)
            count += ~np.isnan(values) if values.dtype.kind == "f" else values.astype(bool)
    return count


def _codes(values: NDArray[np.object_], known: Sequence[str]) -> NDArray[np.float64]:
    code: dict[object, float] = {value: place + 1.0 for place, value in enumerate(known)}
    code[None] = np.nan
    return np.array([code.get(value, 0.0) for value in values], dtype=np.float64)


def _utc_text(us: NDArray[np.int64]) -> list[str]:
    return [str(one) for one in np.datetime_as_string(us.astype("datetime64[us]"), unit="us", timezone="UTC")]
