"""The verbs about trained models: which there are, which serves, how good they are, and whether the champion is still right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.command_line import Age, AsOf, Json, WorkspaceFile, say, show

app = typer.Typer()

Version = Annotated[str | None, typer.Option("--version", help="A registered version (default: the champion).")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why; written down with the version.")]


@app.command()
def models(workspace: WorkspaceFile, as_json: Json = False) -> None:
    """Every version: from which data and run it came, how good it was, why it serves or does not."""
    from models.version_table import table_lines
    from models.versions import run_models

    result = run_models(workspace, say=say)
    if as_json:
        show(result)
        return
    for line in table_lines(result["models"]):
        typer.echo(line)


@app.command()
def promote(
    workspace: WorkspaceFile,
    version: Annotated[str, typer.Argument(help="The number of a registered version.")],
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Make a registered version the champion, whatever the gate said."""
    from models.versions import run_promote

    result = run_promote(workspace, version, reason=reason, say=say)
    if as_json:
        show(result)


@app.command()
def rollback(workspace: WorkspaceFile, reason: Reason = None, as_json: Json = False) -> None:
    """Let the champion and the version before it change places."""
    from models.versions import run_rollback

    result = run_rollback(workspace, reason=reason, say=say)
    if as_json:
        show(result)


@app.command()
def evaluate(
    workspace: WorkspaceFile, as_of: AsOf = None, age: Age = None, version: Version = None, as_json: Json = False
) -> None:
    """How good a version has turned out to be, on leads that started after its training."""
    from training.evaluate_verb import run_evaluate

    result = run_evaluate(workspace, version=version, as_of=as_of, age=age, say=say)
    if as_json:
        show(result)


@app.command()
def compare(
    workspace: WorkspaceFile,
    version: Annotated[str | None, typer.Argument(help="A version (default: the challenger, or the newest).")] = None,
    other: Annotated[str | None, typer.Argument(help="Against which one (default: the champion).")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Two versions on leads that are new to both, and what changed between them."""
    from training.compare_verb import run_compare

    result = run_compare(workspace, version, other, as_of=as_of, say=say)
    if as_json:
        show(result)


@app.command()
def report(
    workspace: WorkspaceFile,
    out: Annotated[Path | None, typer.Option(help="Where to write the page (default: NAME-report-VERSION.html).")] = None,
    version: Version = None,
    as_json: Json = False,
) -> None:
    """The report of a model as one page to look at and to print."""
    from training.report.verb import run_report

    result = run_report(workspace, out, version, say=say)
    if as_json:
        show(result)


@app.command()
def monitor(
    workspace: WorkspaceFile,
    scores: Annotated[Path | None, typer.Option(help="What score --out wrote (default: the server's ledger).")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Is the champion still right, and do leads look like those it learnt from? Ends with 1 if it should be retrained."""
    from training.monitoring import run_monitor
    from training.monitoring_table import table_lines

    result = run_monitor(workspace, scores, as_of, say=say)
    if as_json:
        show(result)
    else:
        for line in table_lines(result):
            typer.echo(line)
    if result["retrain"]:
        raise typer.Exit(1)
