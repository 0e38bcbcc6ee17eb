"""Writing rows to a file by its ending: CSV, JSON lines or Parquet, numbers in full, nothing half-written.

What is written is what was read, ids above all, since programs join such files by them: a text that begins like a formula stays
as it is. A table that people open in a spreadsheet is written by ``spreadsheet.py``, which guards against that.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from features.errors import InputError, OutsideError

ENDINGS = (".csv", ".jsonl", ".parquet")

Row = Mapping[str, Any]


def check_ending(out: Path, endings: Sequence[str] = ENDINGS) -> None:
    """Refuse a file that no writer is for, before any work is done."""
    if out.suffix not in endings:
        raise InputError(
            "--out has an ending that is not known", given=out.name, expected=", ".join(endings), do="choose one of them"
        )


def write_rows(out: Path, rows: Iterable[Row], columns: Mapping[str, str], *, nested: Iterable[Row] | None = None) -> None:
    """Write rows with the given columns (name -> ``text`` or ``number``); JSON lines take the ``nested`` rows if there are any.

    The file appears whole or not at all: it is written beside its place and then moved there.
    """
    check_ending(out)

    def write(beside: Path) -> None:
        if out.suffix == ".csv":
            _write_csv(beside, rows, list(columns))
        elif out.suffix == ".jsonl":
            _write_json_lines(beside, rows if nested is None else nested)
        else:
            _write_parquet(beside, rows, columns)

    write_whole(out, write)


def write_whole(out: Path, write: Callable[[Path], None]) -> None:
    """Let a file be written beside its place, and move it there once it is whole."""
    beside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(beside)
        beside.replace(out)
    except OSError as error:
        raise OutsideError(
            "the file cannot be written",
            given=f"{out}: {error.strerror}",
            expected="a place with room",
            do="choose another --out",
        ) from None
    finally:
        with suppress(OSError):
            beside.unlink()


def cell(value: Any) -> str:
    """Return a value as CSV has it: empty when missing, numbers in full.

    >>> cell(0.1), cell(None), cell(float("nan")), cell(3.0), cell("a")
    ('0.1', '', '', '3.0', 'a')
    """
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _write_csv(path: Path, rows: Iterable[Row], columns: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cell(row[column]) for column in columns] for row in rows)


def _write_json_lines(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            plain = {key: None if isinstance(value, float) and value != value else value for key, value in row.items()}
            file.write(json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n")


def _write_parquet(path: Path, rows: Iterable[Row], columns: Mapping[str, str]) -> None:
    import pyarrow.parquet as pq

    pq.write_table(arrow_table(rows, columns), path)


def arrow_table(rows: Iterable[Row], columns: Mapping[str, str]) -> Any:
    """Return rows as an Arrow table of texts and doubles, missing as null."""
    import pyarrow as pa

    types = {"text": pa.string(), "number": pa.float64()}
    taken = list(rows)
    arrays = [pa.array([row[name] for row in taken], types[kind], from_pandas=True) for name, kind in columns.items()]
    return pa.table(arrays, names=list(columns))
