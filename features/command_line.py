"""What the verbs of the command line share: the options of several of them, and how they speak."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

WorkspaceFile = Annotated[Path, typer.Option("--workspace", "-w", help="The workspace file (YAML).")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="WHEN", help="As if today were WHEN (a date or an ISO 8601 time).")]
Age = Annotated[float | None, typer.Option("--age", metavar="DAYS", help="Look at each lead at this age in days.")]
StartedFrom = Annotated[str | None, typer.Option("--started-from", metavar="WHEN", help="Only leads that started at or after.")]
StartedBefore = Annotated[str | None, typer.Option("--started-before", metavar="WHEN", help="Only leads that started before.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Engine = Annotated[str, typer.Option("--engine", help="local, or spark for what is too large for one machine (Parquet out).")]
OutFile = Annotated[Path | None, typer.Option("--out", help="Where to write: .csv, .jsonl or .parquet.")]


def say(line: str) -> None:
    """Write one line for people, on stderr, so that stdout stays for results."""
    typer.echo(line, err=True)


def show(result: dict[str, Any]) -> None:
    """Write one result as JSON on stdout."""
    typer.echo(json.dumps(result, ensure_ascii=False))
