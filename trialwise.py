"""The front door: the ``trialwise`` command, and ``open_workspace`` for Python.

Each verb loads its chapter only when it is called, so that ``trialwise --help`` is quick and the server never loads what only
training needs. Errors are one sentence on stderr; the exit code says whose turn it is (0 done, 1 stopped by a check, 2 misuse,
3 the outside failed, 130 interrupted).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from features.command_line import Age, AsOf, Engine, Json, OutFile, StartedBefore, StartedFrom, WorkspaceFile, say, show
from features.errors import InputError, OutsideError, TrialwiseError
from serving.keys_command import app as keys
from serving.privacy_command import app as of_privacy
from serving.push_command import app as of_crm
from serving.quarantine_command import app as quarantine
from serving.webhooks_command import app as webhooks
from training.model_commands import app as of_models

if TYPE_CHECKING:
    from models.opened import OpenWorkspace

app = typer.Typer(
    name="trialwise",
    help="Which free-trial leads will pay, how sure we are, why, and what to do next.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(keys, name="keys")
app.add_typer(quarantine, name="quarantine")
app.add_typer(webhooks, name="webhooks")
app.add_typer(of_models)
app.add_typer(of_privacy)
app.add_typer(of_crm)

SEEDS = 2**31 - 1
INTERRUPTED = 130
REPORT = "please report it, with what TRIALWISE_DEBUG=1 shows"


@app.command()
def demo(
    seed: Annotated[int, typer.Option(min=0, max=SEEDS, help="Changes every number.")] = 7,
    folder: Annotated[Path | None, typer.Option(help="Where the demo works (default: demo under TRIALWISE_HOME).")] = None,
) -> None:
    """Everything on a simulated product, end to end."""
    from training.demo import run_demo

    run_demo(seed=seed, folder=folder or home() / "demo", say=say)


@app.command()
def init(
    events: Annotated[list[Path] | None, typer.Argument(help="Event files: CSV, JSON lines or Parquet (also .gz).")] = None,
    leads: Annotated[Path | None, typer.Option(help="The leads file.")] = None,
    conversions: Annotated[Path | None, typer.Option(help="The conversions file.")] = None,
    url: Annotated[str | None, typer.Option(help="A database that holds the tables (SQLAlchemy).")] = None,
    preset: Annotated[str | None, typer.Option(help="segment, rudderstack, posthog, mixpanel, amplitude, ga4, snowplow.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the workspace file (default: stdout).")] = None,
) -> None:
    """Write a workspace file by looking at your data."""
    from features.inspecting.presets.database import shown_url
    from features.inspecting.proposal import propose

    folder = out.parent if out else Path()
    text = propose(events or [], leads, conversions, folder=folder, url=url, preset=preset)
    if url is not None and (shown := shown_url(url, os.environ)).startswith("$"):
        say(f"The address is not written into the file, which reads it from {shown}: set that variable before the next command.")
    if out is None:
        typer.echo(text, nl=False)
        return
    if out.exists():
        raise InputError("the workspace file exists already", given=str(out), expected="a new file", do="name another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    say(f"Wrote {out}. Read it through, then: trialwise check -w {out}")


@app.command()
def check(workspace: WorkspaceFile, as_json: Json = False) -> None:
    """Look at data and mapping: what is refused, unmapped, late, duplicated, silent, leaking."""
    from features.inspecting.checkup import check as look
    from features.workspace import load_workspace
    from training.audit import audit

    report = look(load_workspace(workspace), audit=audit)
    if as_json:
        show(report.as_dict())
    else:
        for line in report.lines():
            typer.echo(line)
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def features(
    workspace: WorkspaceFile, age: Age = None, as_of: AsOf = None, out: OutFile = None, as_json: Json = False,
    started_from: StartedFrom = None, started_before: StartedBefore = None, engine: Engine = "local",
) -> None:  # fmt: skip
    """The feature matrix; without --out, the catalogue in plain words."""
    from features.listing import catalogue_lines, catalogue_rows
    from models import batch, spark_scores
    from models.population import Asked

    if out is None:
        if age is not None or as_of is not None:
            raise InputError(
                "there is nowhere to write the matrix", given="--age or --as-of without --out", expected="--out FILE", do="add it"
            )
        rows = catalogue_rows(workspace)
        if as_json:
            show({"features": rows})
        else:
            for line in catalogue_lines(rows):
                typer.echo(line)
        return
    write = spark_scores.write_features_spark if on_spark(engine) else batch.write_features
    counts = write(workspace, out, asked=Asked(age, as_of, started_from, started_before), say=say)
    if as_json:
        show(counts)


@app.command()
def train(
    workspace: WorkspaceFile, as_of: AsOf = None, started_from: StartedFrom = None, started_before: StartedBefore = None,
    trials: Annotated[int, typer.Option(help="How many settings the search tries.")] = 20,
    budget: Annotated[str | None, typer.Option(help="A ceiling on the search, such as 5m.")] = None,
    promote: Annotated[str, typer.Option(help="auto, never or force.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, max=SEEDS, help="Same data and seed, same model, byte for byte.")] = 0,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Learn from history, register the model, promote it if it is shown to be better."""
    from training.verbs import run_train

    result = run_train(
        workspace, as_of=as_of, started_from=started_from, started_before=started_before, trials=trials, budget=budget,
        promote=promote, seed=seed, say=say,
    )  # fmt: skip
    if as_json:
        show(result)


@app.command()
def score(
    workspace: WorkspaceFile, out: OutFile = None, age: Age = None, as_of: AsOf = None,
    started_from: StartedFrom = None, started_before: StartedBefore = None,
    reasons: Annotated[str, typer.Option(help="How many reasons a lead, or all.")] = "0",
    lang: Annotated[str | None, typer.Option(help="en, tr or de (default: the workspace's).")] = None,
    engine: Engine = "local",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Score the leads of the files with the champion."""
    from models import batch, spark_scores
    from models.population import Asked

    if out is None:
        raise InputError("there is nowhere to write the scores", given="no --out", expected="--out FILE", do="add it")
    write = spark_scores.write_scores_spark if on_spark(engine) else batch.write_scores
    asked = Asked(age, as_of, started_from, started_before)
    counts = write(workspace, out, asked=asked, reasons=reasons, lang=lang, say=say)
    if as_json:
        show(counts)


@app.command(name="list")
def list_leads(
    workspace: WorkspaceFile,
    top: Annotated[int, typer.Option(min=1, help="How many leads.")] = 20,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write: .csv, .xlsx, .jsonl or .parquet.")] = None,
    lang: Annotated[str | None, typer.Option(help="en, tr or de (default: the workspace's).")] = None,
) -> None:
    """Whom to contact now, best first."""
    from models.worklist import write_list

    for line in write_list(workspace, top=top, out=out, lang=lang, say=say):
        typer.echo(line)


@app.command()
def load(
    workspace: WorkspaceFile,
    since: Annotated[str | None, typer.Option(help="`last`: of queries with :since, only what is new since then.")] = None,
    as_json: Json = False,
) -> None:
    """Load history from files or SQL into the store that the server uses."""
    from features.progress import progress_bar
    from features.storing.loading import load_history

    if since not in (None, "last"):
        raise InputError("--since is not usable", given=since, expected="last", do="write --since last, or leave it out")
    with progress_bar("Storing events", say=say) as progress:
        counts = load_history(workspace, say=say, progress=progress, since_last=since is not None)
    if as_json:
        show(counts)


@app.command()
def serve(
    workspace: WorkspaceFile,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on.")] = 8080,
    workers: Annotated[int, typer.Option(min=1, help="How many server processes.")] = 1,
    open_: Annotated[bool, typer.Option("--open", help="Without keys, on loopback only.")] = False,
) -> None:
    """Serve scores over HTTP from the champion."""
    from serving.run import serve as run_server

    run_server(workspace, host=host, port=port, workers=workers, open_=open_)


@app.command()
def notebook(
    name: Annotated[str, typer.Argument(help="Such as what_drives_conversion.")],
    workspace: WorkspaceFile,
    out: Annotated[Path | None, typer.Option(help="Where to write the page (HTML).")] = None,
) -> None:
    """Run a notebook on the champion and write it as a page."""
    from training.notebook import run_notebook

    page = run_notebook(name, workspace, out or home() / f"{name}.html")
    say(f"Wrote {page}. Open it in a browser.")


def on_spark(engine: str) -> bool:
    """Tell whether an engine is Spark; refuse what is none."""
    if engine not in ("local", "spark"):
        raise InputError("there is no such engine", given=engine, expected="local or spark", do="choose one of them")
    return engine == "spark"


def home() -> Path:
    """Return where state lives: TRIALWISE_HOME, by default ``var``."""
    return Path(os.environ.get("TRIALWISE_HOME") or "var")


def open_workspace(path: str | Path) -> OpenWorkspace:
    """Open a workspace with its champion, for notebooks: every answer is a DataFrame."""
    from models.opened import OpenWorkspace

    return OpenWorkspace.of(Path(path))


def _load_pyfunc(path: str) -> Any:
    """Load our model folder for MLflow's own tools, which name this module as the loader."""
    from models.pyfunc import PyfuncScorer

    return PyfuncScorer.of(Path(path))


def refuse(error: TrialwiseError, arguments: list[str]) -> int:
    """Say an error, as JSON too where that was asked for, and return its exit code."""
    if "--json" in arguments:
        show(error.as_dict())
    say(str(error))
    return error.exit_code


def misuse(error: typer.TyperException) -> str:
    """Return a mistake of the command line as a sentence; the words for a value of the wrong type leave that value out."""
    message = error.format_message().rstrip(".")
    told: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    if told and repr(told[0]["input"]) not in message:
        message += f", given {told[0]['input']!r}"
    return message if message.endswith(("?", "!")) else f"{message}."


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    try:
        code = app(args=arguments, standalone_mode=False)
    except TrialwiseError as error:
        return refuse(error, arguments)
    except OSError as error:
        return refuse(OutsideError.of(error), arguments)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except typer.TyperException as error:
        if error.format_message():
            if "--json" in arguments:
                show(
                    InputError(
                        misuse(error), given=" ".join(arguments), expected="what its --help says", do="run trialwise --help"
                    ).as_dict()
                )
            say(f"{misuse(error)} Run trialwise --help to see what is there.")
        return 2
    except Exception as error:
        if os.environ.get("TRIALWISE_DEBUG"):
            raise
        given = f"{type(error).__name__}: {error}"
        return refuse(OutsideError("Trialwise itself failed", given=given, expected="no fault of its own", do=REPORT), arguments)
    if code == INTERRUPTED:
        say("interrupted")
    return code if isinstance(code, int) else 0


def main() -> NoReturn:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
