"""``trialwise forget``, ``export`` and ``parity``: what one person may ask for, and whether answers can be given again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.command_line import Json, WorkspaceFile, say, show
from features.errors import InputError

if TYPE_CHECKING:
    from features.store import EventStore

app = typer.Typer()

WAIT_MS = 10_000

Lead = Annotated[str, typer.Argument(metavar="LEAD", help="Any of its ids.")]


@app.command("forget")
def forget(lead: Lead, as_json: Json = False) -> None:
    """Remove everything that the store holds on a lead, and refuse what still comes of it."""
    from features.clock import now_us

    with _store() as store:
        report = store.privacy.forget(_storable(lead), now_us()).as_dict()
    if as_json:
        show(report)
        return
    removed = report["removed"]
    told = ", ".join(f"{name} {number:,}" for name, number in removed.items()) if isinstance(removed, dict) else ""
    again = " It had been forgotten before." if report["forgotten_before"] else ""
    say(f"Removed {report['rows']:,} rows of {report['ids']} ids" + (f": {told}." if told else ".") + again)
    say("Gone from the files as well." if report["erased"] else f"Not yet gone from the files: {report['problem']}.")
    remains = report["remains"]
    for one in remains if isinstance(remains, list) else ():
        say(f"Remains: {one}.")


@app.command("export")
def export(
    lead: Lead,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="The workspace file, to write starts and ends as its columns.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write the JSON (default: stdout).")] = None,
) -> None:
    """Write everything that the store holds on a lead as one JSON document."""
    from features.workspace import load_workspace
    from serving.privacy_routes import time_columns

    columns = {} if workspace is None else time_columns(load_workspace(workspace))
    with _store() as store:
        found = store.privacy.export(_storable(lead), columns)
    if found is None:
        raise InputError("nothing is held on this lead", given="that id", expected="one of the ids of a lead", do="check it")
    text = json.dumps(found, ensure_ascii=False, indent=1)
    if out is None:
        typer.echo(text)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", encoding="utf-8")
    say(f"Wrote {out}.")


@app.command("parity")
def parity(
    workspace: WorkspaceFile,
    sample: Annotated[int, typer.Option(min=1, help="How many answers, those of the same leads every time.")] = 10_000,
    as_json: Json = False,
) -> None:
    """Compute answers of the server again: each has to come out the same to the last bit."""
    from features.progress import progress_bar
    from serving.parity import run_parity

    with progress_bar("Answering again", say=say) as progress:
        found = run_parity(workspace, sample=sample, progress=progress)
    if as_json:
        show(found.as_dict())
    else:
        for line in found.lines():
            typer.echo(line)
    if found.mismatches:
        raise typer.Exit(1)


@contextmanager
def _store() -> Iterator[EventStore]:
    """Open the store that the environment names, with the secret of its server."""
    from features.store import EventStore
    from serving.settings import Settings

    settings = Settings.from_environment()
    store = EventStore(settings.database_url, wait_ms=WAIT_MS)
    try:
        store.migrate()
        store.need_same_secret(settings.secret())
        yield store
    finally:
        store.close()


def _storable(lead: str) -> str:
    if not 0 < len(lead) <= 256 or "\x00" in lead:
        raise InputError("no lead can have this id", given=lead, expected="a text of 1 to 256 characters", do="check it")
    return lead
