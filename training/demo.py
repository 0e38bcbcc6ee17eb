"""``trialwise demo``: the main job from end to end, on a simulated product.

The demo does nothing that a user could not: it runs the installed commands and speaks HTTP. The one trial that it replays day by
day goes through Segment's own client library, pointed at our server.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from features.clock import DAY_US, format_us, now_us
from features.errors import InputError, OutsideError
from training.demo_live import LiveServer, send_history
from training.demo_tables import actions_table, change_table, trial_table, work_list
from training.simulator import pick_story, simulate

LEADS = 7_000
TRIALS = 6
WAIT_SECONDS = 60.0
WIDTH = 130
"""Columns of text where there is no terminal to ask."""

Say = Callable[[str], None]


def run_demo(seed: int, folder: Path, say: Say) -> None:
    """Simulate, check, train, register, serve, fill, and watch one live trial.

    Raises
    ------
    OutsideError
        A step failed; the sentence names it.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    console.rule("Trialwise demo: everything below is simulated")
    make_fresh(folder)
    world = simulate(seed, leads=LEADS, until=now_us() // DAY_US * DAY_US)
    story = pick_story(world)
    workspace = world.write(folder, hold_back=[story])
    say(f"Wrote {LEADS:,} simulated trials of a year to {folder}.")
    say(f"One live trial, {story}, is held back: it will arrive over HTTP.")

    search = ["--trials", str(TRIALS), "--seed", str(seed)]
    for title, arguments in (
        ("1. Look at the data", ["check", "-w", str(workspace)]),
        ("2. Learn, judge, register in MLflow, promote", ["train", "-w", str(workspace), *search]),
    ):
        console.rule(title, align="left")
        command(arguments, folder)

    console.rule("3. Serve the champion", align="left")
    with serving(workspace, folder) as server:
        say(f"The server answers on {server.url}")
        console.rule("4. Fill it over HTTP with the trials that are live", align="left")
        sent = send_history(server, folder, since=world.until - 21 * DAY_US)
        say(f"Sent {sent.leads:,} leads, {sent.events:,} events and {sent.conversions:,} conversions; all are on disk.")
        console.rule(f"5. Replay {story}'s trial day by day, with Segment's client library", align="left")
        console.print(trial_table(world, story, server))
        console.print(change_table(server, story))
        console.print(actions_table(server, story))
        console.rule("6. Whom to contact now", align="left")
        console.print(work_list(server))
    console.rule("What to do next", align="left")
    for line in next_steps(workspace):
        console.print(line, soft_wrap=True)


def make_fresh(folder: Path) -> None:
    """Clear what an earlier demo left; a folder that no demo made is refused."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    workspace = folder / "workspace.yaml"
    if not workspace.is_file() or "SIMULATED DATA" not in workspace.read_text(encoding="utf-8").split("\n", 1)[0]:
        raise InputError("the demo's folder is in use", given=str(folder), expected="a new folder", do="name another --folder")
    shutil.rmtree(folder)


def command(arguments: list[str], folder: Path, *, quiet: bool = False) -> str:
    """Run one of our own commands, shown as it is typed; return what it printed, which ``quiet`` keeps off the screen."""
    shown = " ".join(["trialwise", *arguments])
    print_line(f"$ {shown}")
    done = subprocess.run(  # noqa: S603  (our own command, our own arguments)
        [sys.executable, "-m", "trialwise", *arguments], env=environment(folder), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.stdout and not quiet:
        print_line(done.stdout.rstrip())
    if done.returncode != 0:
        raise OutsideError(
            "a step of the demo failed", given=f"{shown} (exit {done.returncode})", expected="exit 0", do="read the lines above"
        )
    return done.stdout


def print_line(text: str) -> None:
    """Write to stdout at once, so that the order of lines is the order of steps."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of every step: state lives beside the demo's data."""
    return os.environ | {"TRIALWISE_HOME": str(folder / "var")}


@contextmanager
def serving(workspace: Path, folder: Path) -> Iterator[LiveServer]:
    """Start ``trialwise serve`` with an admin key, wait until it is ready, and stop it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scopes = [word for scope in ("ingest", "score", "admin") for word in ("--scope", scope)]
    key = command(["keys", "create", "--name", "demo", *scopes], folder, quiet=True).strip()
    log = (folder / "server.log").open("w", encoding="utf-8")
    arguments = [sys.executable, "-m", "trialwise", "serve", "-w", str(workspace), "--port", str(port)]
    process = subprocess.Popen(arguments, env=environment(folder), stdout=log, stderr=log)  # noqa: S603  (our own command)
    server = LiveServer(f"http://127.0.0.1:{port}", key)
    try:
        if not server.wait_until_ready(WAIT_SECONDS):
            raise OutsideError(
                "the server did not become ready",
                given=f"{WAIT_SECONDS:.0f} s",
                expected="200 from /readyz",
                do=f"read {log.name}",
            )
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def next_steps(workspace: Path) -> list[str]:
    """Return the commands that a reader would try now."""
    home = workspace.parent / "var"
    at_home = f"TRIALWISE_HOME={home} "
    on_path = (
        [] if shutil.which("trialwise") else [f"  . {Path(sys.executable).parent}/activate     puts the commands on the path"]
    )
    return [
        *on_path,
        f"  {at_home}trialwise serve -w {workspace} --open        the server; its schema is /openapi.json",
        f"  {at_home}trialwise list -w {workspace} --top 20       the list, from the files",
        f"  {at_home}trialwise notebook what_drives_conversion -w {workspace}",
        f"  mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db     every run and model",
        "  trialwise init events.csv --leads leads.csv --conversions conversions.csv --out my.yaml     your own data",
        f"Everything above was simulated at {format_us(now_us())} and says nothing about a real product.",
    ]
