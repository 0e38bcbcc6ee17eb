"""Tables that people open: CSV and Excel beside JSON lines and Parquet, in which no cell from outside is ever a formula.

A name that begins with ``=``, ``+``, ``-`` or ``@`` would be computed by a spreadsheet when somebody opens the list. In Excel
files every text is written as a text; in CSV, which knows no types, such a text gets the apostrophe that marks one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.outfile import Row, check_ending, write_rows, write_whole

ENDINGS = (".csv", ".xlsx", ".jsonl", ".parquet")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
LONGEST = 32_767
"""Characters of a cell in Excel."""
WIDEST = 60


def write_table(out: Path, rows: Sequence[Row], columns: Mapping[str, str]) -> None:
    """Write rows with columns (name -> ``text`` or ``number``) by the ending of the file, whole or not at all."""
    check_ending(out, ENDINGS)
    if out.suffix == ".xlsx":
        write_whole(out, lambda beside: _write_sheet(beside, rows, columns))
    elif out.suffix == ".csv":
        guarded = [{name: as_text(row[name]) if kind == "text" else row[name] for name, kind in columns.items()} for row in rows]
        write_rows(out, guarded, columns)
    else:
        write_rows(out, rows, columns)


def as_text(value: Any) -> Any:
    """Return a cell of CSV that no spreadsheet computes.

    >>> as_text('=HYPERLINK("x")'), as_text("Ada"), as_text(None)
    ('\\'=HYPERLINK("x")', 'Ada', None)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _write_sheet(path: Path, rows: Sequence[Row], columns: Mapping[str, str]) -> None:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet("list")
        bold, share = book.add_format({"bold": True}), book.add_format({"num_format": "0.0%"})
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, len(rows)), len(columns) - 1)
        for place, (name, kind) in enumerate(columns.items()):
            longest = max((len(str(row[name])) for row in rows if kind == "text" and row[name] is not None), default=8)
            sheet.set_column(place, place, min(max(len(name), longest) + 2, WIDEST))
            sheet.write_string(0, place, name, bold)
        for line, row in enumerate(rows, 1):
            for place, (name, kind) in enumerate(columns.items()):
                value = row[name]
                if value is None or value != value:
                    continue
                if kind == "number":
                    sheet.write_number(line, place, value, share)
                else:
                    sheet.write_string(line, place, str(value)[:LONGEST])
