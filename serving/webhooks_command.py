"""``trialwise webhooks``: how the endpoints do, send again, try one out."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from features.command_line import Json, WorkspaceFile

app = typer.Typer(help="Webhooks of the server: how they do, send again, try one out.", no_args_is_help=True)

Name = Annotated[str | None, typer.Option("--endpoint", help="Only this endpoint.")]


@app.command("list")
def show(workspace: WorkspaceFile, as_json: Json = False) -> None:
    """List the endpoints: active, failing, paused or disabled, and what waits for them."""
    from serving.webhooks_desk import list_endpoints

    rows = list_endpoints(workspace)
    if as_json:
        _show({"endpoints": rows})
        return
    for row in rows:
        success = row["last_success_at"] or "never"
        typer.echo(
            f"{row['endpoint']:<20} {row['state']:<9} {row['waiting']} waiting, {row['delivered']} delivered, "
            f"{row['failed']} given up; last success {success}, last answer {row['last_answer'] or 'none'}"
        )


@app.command("replay")
def replay(
    workspace: WorkspaceFile,
    message_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The webhook-id of one message.")] = None,
    since: Annotated[str | None, typer.Option(help="Those given up that were written since then (ISO 8601).")] = None,
    endpoint: Name = None,
    every: Annotated[bool, typer.Option("--all", help="With --since: the delivered ones too.")] = False,
    as_json: Json = False,
) -> None:
    """Send messages again, each under the id that it had."""
    from serving.webhooks_desk import replay_messages

    count = replay_messages(workspace, message_id=message_id, since=since, endpoint=endpoint, every=every)
    if as_json:
        _show({"replayed": count})
    else:
        typer.echo(f"{count} to be sent again.", err=True)


@app.command("test")
def try_it(
    workspace: WorkspaceFile,
    endpoint: Annotated[str, typer.Argument(metavar="NAME", help="Its name in the workspace file.")],
    as_json: Json = False,
) -> None:
    """Send one signed test message now; an endpoint that was disabled and answers 2xx is active again."""
    from serving.webhooks_desk import try_out

    result = try_out(workspace, endpoint)
    if as_json:
        _show(result)
    else:
        typer.echo(f"{endpoint} answered {result['answered']}.", err=True)
    if not result["delivered"]:
        raise typer.Exit(3)


def _show(result: dict[str, Any]) -> None:
    typer.echo(json.dumps(result, ensure_ascii=False))
