"""``trialwise push``: scores into a CRM."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from features.command_line import Json, WorkspaceFile, say, show

app = typer.Typer()


@app.command("push")
def push(
    crm: Annotated[str, typer.Argument(metavar="CRM", help="hubspot or salesforce.")],
    workspace: WorkspaceFile,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be written, and send nothing.")] = False,
    match: Annotated[
        str | None,
        typer.Option(
            envvar="TRIALWISE_PUSH_MATCH", help="The property that holds the lead's id (default: the address of contact.email)."
        ),
    ] = None,
    object_: Annotated[str | None, typer.Option("--object", help="Salesforce: Lead (the default), Contact or another.")] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(envvar="TRIALWISE_PUSH_BATCH", help="Records in one call (default: 100 HubSpot, 200 Salesforce)."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Write the unchanged too, as after a change of account.")] = False,
    lang: Annotated[str | None, typer.Option(help="en, tr or de (default: the workspace's).")] = None,
    as_json: Json = False,
) -> None:
    """Write probability, stage and reasons into a CRM: into properties of our own, changed leads only."""
    from serving.crm.push import run_push

    found = run_push(
        workspace, crm, dry_run=dry_run, say=say, match=match, object_=object_, batch=batch_size, everything=everything, lang=lang
    )
    if as_json:
        show(found.as_dict())
    else:
        for row in found.would_write:
            typer.echo(json.dumps(row, ensure_ascii=False))
    for kind, those in (("left out", found.left_out), ("failed", found.failed)):
        for one in those:
            say(f"{kind}: {one['lead_id']}: {one['code']}")
    made = f" Created {', '.join(found.created)}." if found.created else ""
    wrote = f"{len(found.would_write):,} would be written" if dry_run else f"{found.written:,} written"
    say(f"{wrote}, {found.unchanged:,} unchanged, {len(found.left_out):,} left out, {len(found.failed):,} failed.{made}")
    if found.failed:
        raise typer.Exit(3)
