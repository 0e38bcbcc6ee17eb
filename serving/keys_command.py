"""``trialwise keys``: create, list and revoke the keys of the server."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

app = typer.Typer(help="API keys of the server: create, list, revoke.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


@app.command("create")
def create(
    scope: Annotated[list[str], typer.Option(help="ingest, score, admin, or page for web pages; may be repeated.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    as_json: Json = False,
) -> None:
    """Create a key and print it once."""
    from serving.api_keys import create_key

    made = create_key(scopes=scope, name=name)
    if as_json:
        _show(made)
    else:
        typer.echo("This key is shown once; only its fingerprint is kept.", err=True)
        typer.echo(made["key"])


@app.command("list")
def show(as_json: Json = False) -> None:
    """List the keys, never their text."""
    from serving.api_keys import list_keys

    rows = list_keys()
    if as_json:
        _show({"keys": rows})
        return
    for row in rows:
        state = row["revoked_at"] or "active"
        typer.echo(f"{row['id']}  {','.join(row['scopes']):<20} {row['created_at']}  {state:<28} {row['name']}")


@app.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `keys list` shows.")]) -> None:
    """Revoke a key."""
    from serving.api_keys import revoke_key

    revoke_key(key_id)
    typer.echo(f"Revoked {key_id}.", err=True)


def _show(result: dict[str, Any]) -> None:
    typer.echo(json.dumps(result, ensure_ascii=False))
