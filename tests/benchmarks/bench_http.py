"""Scores with five reasons over HTTP: our server against ``mlflow models serve``, each on one core, the load on the other.

Run it with ``python -m tests.benchmarks.bench_http [--seconds 10] [--passes 3]``. Both serve the same 300 trees; the rival's
reasons are LightGBM's own contributions. Our server runs with keys, metrics and ledger on, then without each of them, one at a
time, in turns, so that a busy moment of the machine hits everybody. The answers are compared before anything is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
SERVER_CORE, LOAD_CORE = "0", "1"
BAR = 25.0
STORED_BAR_MS = 8.0
REASONS = 5
NAMES = {"rival": "mlflow models serve", "careful": "the same, written with care", "": "ours, all on"}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

UNLIMITED = {"TRIALWISE_RATE": "1e6", "TRIALWISE_BURST": "1e6"}
"""The limits of a key are counted like anybody's, and never reached."""


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of every process: our state in the folder, one thread for everybody."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | ONE_THREAD | UNLIMITED | {"TRIALWISE_HOME": str(folder), "PATH": path, "MLFLOW_TRACKING_URI": ""}


@contextmanager
def serving(folder: Path, command: list[str], port: int, ready: str) -> Iterator[int]:
    """Run a server pinned to its core until the block ends; yields its process group."""
    log = folder / f"server-{port}.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *command], cwd=ROOT, env=environment(folder), stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
        try:
            _wait(f"http://127.0.0.1:{port}{ready}", process, log)
            yield process.pid
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 15)
                process.wait(timeout=30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"{url} never answered 200:\n{log.read_text(encoding='utf-8')[-3000:]}")


def cpu_seconds(group: int) -> float:
    """Return what all processes of a group have used so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def settle(group: int) -> None:
    """Wait until a server that was just started has nothing to do any more: imports in its threads, first looks at the store."""
    for _ in range(40):
        begin = cpu_seconds(group)
        time.sleep(0.5)
        if cpu_seconds(group) - begin <= 0.02:
            return


def loaded(bodies: Path, port: int, path: str, seconds: float, group: int, key: str | None = None) -> dict[str, float]:
    """Load a server from the other core, and return what was answered and what it cost."""
    command = ["taskset", "-c", LOAD_CORE, sys.executable, "-m", "tests.benchmarks.http_load", str(bodies), "--port", str(port)]
    command += ["--path", path, "--seconds", str(seconds)] + (["--key", key] if key else [])
    subprocess.run([*command, "--seconds", "2"], cwd=ROOT, check=True, capture_output=True)
    settle(group)
    begin = cpu_seconds(group)
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result | {"cpu_ms": (cpu_seconds(group) - begin) * 1e3 / result["requests"]}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def ours(folder: Path, port: int, without: str) -> list[str]:
    """Return the command of our server without one of its parts."""
    command = [sys.executable, "-m", "tests.benchmarks.http_server", str(folder / "bench.yaml"), "--port", str(port)]
    return [*command, "--open"] if without == "keys" else [*command, "--without", without]


def rival(folder: Path, port: int, name: str) -> list[str]:
    """Return the command of MLflow's server, with a model as users write it or as careful ones do."""
    careful = ["env", "BENCH_CAREFUL=1"] if name == "careful" else []
    command = [*careful, sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder / "rival"), "--env-manager", "local"]
    return [*command, "-h", "127.0.0.1", "-p", str(port), "--workers", "1"]


def bodies_of(folder: Path) -> tuple[Path, Path]:
    """Write what is posted to us and to the rival: one vector a request."""
    vectors: list[dict[str, Any]] = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))
    mine, theirs = folder / "ours.json", folder / "theirs.json"
    leads = [{"leads": [{"lead_id": f"lead {i}", "features": one}], "reasons": REASONS} for i, one in enumerate(vectors)]
    mine.write_text(json.dumps(leads), encoding="utf-8")
    theirs.write_text(json.dumps([{"dataframe_records": [one]} for one in vectors]), encoding="utf-8")
    return mine, theirs


def key_of(folder: Path) -> str:
    """Create a key with the score scope."""
    command = [sys.executable, "-m", "trialwise", "keys", "create", "--scope", "score", "--scope", "ingest", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment(folder), check=True, capture_output=True, text=True)
    return str(json.loads(done.stdout)["key"])


def compare(folder: Path, our_port: int, their_port: int, key: str) -> None:
    """Check that both answer the same probabilities, and reasons that add up."""
    mine, theirs = bodies_of(folder)
    for ask, offer in list(zip(*(json.loads(path.read_text(encoding="utf-8")) for path in (mine, theirs)), strict=True))[:20]:
        headers = {"Authorization": f"Bearer {key}"}
        (score,) = httpx.post(f"http://127.0.0.1:{our_port}/v1/score", json=ask, headers=headers, timeout=60).json()["scores"]
        (other,) = httpx.post(f"http://127.0.0.1:{their_port}/invocations", json=offer, timeout=60).json()["predictions"]
        told = score["base"] + sum(one["points"] for one in score["reasons"]) + score["rest"]["points"]
        if abs(score["probability"] - other["probability"]) > 1e-9 or len(other["reasons"]) != REASONS:
            raise SystemExit(f"the two servers differ: {score['probability']} and {other['probability']}")
        if abs(told - score["probability"]) > 1e-9 or len(score["reasons"]) != REASONS:
            raise SystemExit("our reasons do not add up")


def vectors_posted(folder: Path, seconds: float, passes: int) -> None:
    """Measure and print requests/s of the rival, of us, and of us without each part."""
    key = key_of(folder)
    mine, theirs = bodies_of(folder)
    rivals, parts = ("rival", "careful"), ("", "keys", "metrics", "ledger")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in (*rivals, *parts)}
    for turn in range(passes):
        for name in rivals:
            port = free_port()
            with serving(folder, rival(folder, port, name), port, "/ping") as group:
                if turn == 0:
                    our_port = free_port()
                    with serving(folder, ours(folder, our_port, ""), our_port, "/readyz"):
                        compare(folder, our_port, port, key)
                found[name].append(loaded(theirs, port, "/invocations", seconds, group))
        for part in parts:
            port = free_port()
            with serving(folder, ours(folder, port, part), port, "/readyz") as group:
                found[part].append(loaded(mine, port, "/v1/score", seconds, group, None if part == "keys" else key))
    rate, costs = (
        {name: statistics.median(one[which] for one in runs) for name, runs in found.items()} for which in ("rate", "cpu_ms")
    )
    print(f"scores of posted vectors with {REASONS} reasons, 8 connections, one core, median of {passes} passes")
    for name, runs in found.items():
        label = NAMES.get(name, f"ours without {name}")
        p50, p99, cpu = (statistics.median(one[which] for one in runs) for which in ("p50", "p99", "cpu_ms"))
        more = "" if name in NAMES else f"   {name}: {(costs[''] - costs[name]) * 1e3:+.0f} us CPU a request"
        print(f"  {label:28s} {rate[name]:7.1f} requests/s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   {cpu:6.2f} ms CPU{more}")
    ratio, less = rate[""] / rate["rival"], costs["rival"] / costs[""]
    print(f"  {ratio:.1f} times mlflow models serve (bar: {BAR:g}) {_verdict(ratio >= BAR)}; {less:.1f} times less CPU")
    ratio, less = rate[""] / rate["careful"], costs["careful"] / costs[""]
    print(f"  {ratio:.1f} times the careful one; {less:.1f} times less CPU", flush=True)


def stored_lead(folder: Path, seconds: float) -> None:
    """Measure the score of a stored lead with 200 events, reasons included, one request at a time."""
    key, port = key_of(folder), free_port()
    address, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {key}"}
    with (
        serving(folder, ours(folder, port, ""), port, "/readyz") as group,
        httpx.Client(base_url=address, headers=headers, timeout=60) as client,
    ):
        _tell(client)
        client.get("/v1/leads/two hundred/score", params={"reasons": str(REASONS)})
        settle(group)
        took = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            begin = time.perf_counter()
            answer = client.get("/v1/leads/two hundred/score", params={"reasons": str(REASONS)})
            took.append((time.perf_counter() - begin) * 1e3)
            if answer.status_code != httpx.codes.OK:
                raise SystemExit(answer.text)
    took.sort()
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(
        f"score of a stored lead with 200 events, {REASONS} reasons: p50 {p50:.2f} ms (bar: {STORED_BAR_MS:g}), p99 {p99:.2f} ms",
        end=" ",
    )
    print(_verdict(p50 <= STORED_BAR_MS), flush=True)


def _tell(client: httpx.Client) -> None:
    """Send one lead with 200 events of the last six days."""
    names = ("login", "feature.a", "feature.b", "upgrade", "commented", "campaign.mail", "demo", "ticket")
    now = time.time()

    def when(days: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 6 * 86_400 + days * 86_400))

    traits = {"signed_up_at": when(0), "country": "country 3", "company_size": 40}
    calls: list[dict[str, Any]] = [{"type": "identify", "traits": traits, "timestamp": when(0)}]
    calls += [{"type": "track", "event": names[i % len(names)], "timestamp": when(i * 0.029)} for i in range(200)]
    stamped = [call | {"userId": "two hundred", "messageId": f"m{i}"} for i, call in enumerate(calls)]
    answer = client.post("/v1/batch", json={"batch": stamped})
    if not answer.json().get("success"):
        raise SystemExit(answer.text)


def _verdict(holds: bool) -> str:
    return "ok" if holds else "MISSED"


def main() -> None:
    """Measure everything and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--only", choices=["vectors", "stored"])
    parser.add_argument("--keep", type=Path, help="A folder for the model and the store, kept for the next run.")
    asked = parser.parse_args()
    if not {int(SERVER_CORE), int(LOAD_CORE)} <= os.sched_getaffinity(0):
        raise SystemExit("this benchmark needs two cores: one for the server, one for the load")
    folder = (asked.keep or Path(tempfile.mkdtemp(prefix="bench-http-"))).absolute()
    try:
        if not (folder / "rival").exists():
            subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.http_model", str(folder)],
                cwd=ROOT, env=environment(folder), check=True, capture_output=True,
            )  # fmt: skip
        if asked.only in (None, "vectors"):
            vectors_posted(folder, asked.seconds, asked.passes)
        if asked.only in (None, "stored"):
            stored_lead(folder, min(asked.seconds, 5.0))
    finally:
        if asked.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
