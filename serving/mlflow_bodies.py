"""The JSON bodies of MLflow's scoring protocol: one of four ways to write a table, and parameters beside it.

``dataframe_split`` has columns, data and perhaps an index; ``dataframe_records`` and ``instances`` are rows with names;
``inputs`` is columns with names, or rows with names. Features go by name: rows and tensors without names are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.feature_table import LEAD_ID, FeatureTable, need_size, table_of
from serving.problems import Problem
from serving.view import View

SPLIT, RECORDS, INSTANCES, INPUTS = FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
PARAMS = "params"


def read_json(body: Any, view: View) -> tuple[FeatureTable, Mapping[str, Any]]:
    """Return the table and the parameters of a body."""
    if not isinstance(body, dict):
        raise _wrong("The body is an object with one of " + ", ".join(FORMS) + ".")
    forms = [name for name in FORMS if name in body]
    if len(forms) != 1 or not set(body) <= {*FORMS, PARAMS}:
        raise _wrong(f"The body has exactly one of {', '.join(FORMS)}, perhaps {PARAMS}, and nothing else.")
    params = body.get(PARAMS)
    if params is not None and not isinstance(params, dict):
        raise _wrong(f"{PARAMS} is an object.")
    form = forms[0]
    return _TABLES[form](body[form], form, view), params or {}


def _split(value: Any, form: str, view: View) -> FeatureTable:
    if not isinstance(value, dict) or not set(value) <= {"columns", "index", "data"}:
        raise _wrong(f"{form} is an object with columns, data, and perhaps index.")
    names, data = value.get("columns"), value.get("data")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise _wrong(f"The columns of {form} are different texts.")
    if not isinstance(data, list) or not all(isinstance(row, list) and len(row) == len(names) for row in data):
        raise _wrong(f"The data of {form} are rows with a value for each column.")
    need_size(len(data), len(names))
    wanted = _wanted(names, view)
    columns = {name: [row[place] for row in data] for place, name in enumerate(names) if name in wanted}
    return table_of(columns, names, len(data), view)


def _records(value: Any, form: str, view: View) -> FeatureTable:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise _wrong(f"{form} is an array of objects: features go by name.")
    need_size(len(value))
    names = list(dict.fromkeys(name for row in value for name in row))
    # A column is made for what the model knows, and for nothing that a caller makes up.
    columns = {name: [row.get(name) for row in value] for name in _wanted(names, view)}
    return table_of(columns, names, len(value), view)


def _inputs(value: Any, form: str, view: View) -> FeatureTable:
    if not isinstance(value, dict):
        return _records(value, form, view)
    columns = {name: column if isinstance(column, list) else [column] for name, column in value.items()}
    rows = {len(column) for column in columns.values()}
    if len(rows) > 1:
        raise _wrong(f"The columns of {form} are of different lengths.")
    count = rows.pop() if rows else 0
    need_size(count, len(columns))
    wanted = {name: [_alone(cell) for cell in columns[name]] for name in _wanted(list(columns), view)}
    return table_of(wanted, list(columns), count, view)


_TABLES = {SPLIT: _split, RECORDS: _records, INSTANCES: _records, INPUTS: _inputs}


def _wanted(names: Sequence[str], view: View) -> list[str]:
    return [name for name in names if name in view.features.places or name == LEAD_ID]


def _alone(cell: Any) -> Any:
    """Return the value of a row of one: a column of shape [n, 1] is one of shape [n]."""
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


def _wrong(detail: str) -> Problem:
    return Problem("invalid_request", detail)
