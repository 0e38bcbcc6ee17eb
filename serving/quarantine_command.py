"""``trialwise quarantine``: what was refused and why, and once the cause is gone, in again."""

from __future__ import annotations

from typing import Annotated

import typer

from features.command_line import Json, WorkspaceFile, say, show

app = typer.Typer(help="What the server refused: list it, replay it.", no_args_is_help=True)

Code = Annotated[str | None, typer.Option(help="Only what was refused for this reason.")]
Since = Annotated[str | None, typer.Option(metavar="WHEN", help="Only what was received at this time or later (ISO 8601).")]


@app.command("list")
def show_refused(code: Code = None, since: Since = None, as_json: Json = False) -> None:
    """List what waits, by door and reason, never what it says."""
    from serving.replaying import list_refused

    found = list_refused(code=code, since=since)
    if as_json:
        show(found)
        return
    for row in found["counts"]:
        say(f"{row['door']}  {row['code']}: {row['waiting']} waiting, {row['replayed']} replayed")
    for row in found["waiting"]:
        typer.echo(f"{row['seq']:>8}  {row['received_at']}  {row['door']:<16} {row['code']}")


@app.command("replay")
def replay(workspace: WorkspaceFile, code: Code = None, since: Since = None, as_json: Json = False) -> None:
    """Let in what waits through the door at which it came, as of when it first arrived, and say what became of each."""
    from serving.replaying import replay_refused

    found = replay_refused(workspace, code=code, since=since)
    if as_json:
        show(found)
        return
    for row in found["items"]:
        typer.echo(f"{row['seq']:>8}  {row['received_at']}  {row['door']:<16} {row['code']:<22} {row['became']}")
    counts = found["counts"]
    say(", ".join(f"{counts[name]} {name}" for name in sorted(counts)) + "." if counts else "Nothing waits.")
