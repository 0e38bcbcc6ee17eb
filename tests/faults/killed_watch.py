"""A server's watch and deliveries, killed at every point where it matters, again and again; then two others go on.

Run as a program: ``python -m tests.faults.killed_watch DATABASE FOLDER URL KILLS``. In each round two new leads arrive. A child
with a failpoint kills itself in the middle of the work; two more children complete it side by side. Prints how the children
ended, the changes and the messages of the store, as JSON. Everything is imported once and every child is a fork.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy import select

from features import failpoints
from features.clock import now_us
from features.store import EventStore
from features.storing.watch_tables import outbox
from features.workspace import Workspace, parse_workspace
from models import artifact
from serving import watch
from serving.guarded_connect import Trust
from serving.webhook_endpoints import endpoints_of
from serving.webhook_metrics import WebhookMetrics
from serving.webhooks import Deliverer
from tests.serving.conftest import WORKSPACE, make_scorer
from tests.serving.receiver import SECRET
from tests.serving.watched import EAGER, Model, changes, model, tell, watcher

POINTS = (
    ("watch.scored", 1), ("webhook.sent", 1), ("watch.before_commit", 1), ("webhook.claimed", 1), ("watch.after_commit", 1),
    ("webhook.recorded", 1), ("webhook.sent", 2), ("webhook.claimed", 3), ("webhook.recorded", 4),
)  # fmt: skip
PATIENCE = 60.0
HERE = Trust(loopback=True)


def in_child(work: Callable[[], None]) -> int:
    """Begin some work in a process of its own."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def ended(child: int) -> int:
    return os.waitpid(child, 0)[1]


def serve(url: str, workspace: Workspace, live: Model, expected: int, dies_at: tuple[str, int] | None) -> None:
    """Watch and deliver until there are so many changes and nobody waits to be told."""
    if dies_at is not None:
        failpoints._NAME, failpoints._WHAT, failpoints._NTH = dies_at[0], "kill", str(dies_at[1])
    watch.LEASE_US, watch.SAVE_US = 200_000, 100_000
    store = EventStore(url, wait_ms=20_000)
    endpoints = endpoints_of(workspace, HERE)
    one = watcher(workspace, store, live, endpoints)
    sender = Deliverer(store, endpoints, HERE, WebhookMetrics(CollectorRegistry()), claim_seconds=0.5)
    deadline = time.monotonic() + PATIENCE
    while len(changes(store)) < expected or store.outbox.waiting(["crm"]):
        one.step()
        while sender.deliver(endpoints[0]):
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(changes(store))} of {expected} changes, {store.outbox.waiting(['crm'])} waiting")
        time.sleep(0.02)


def main(url: str, folder: Path, hook: str, kills: int) -> None:
    hooks = f"webhooks: {{crm: {{url: '{hook}', secret: '${{HOOK_SECRET}}', on: [stage, grade]}}}}\n"
    workspace = parse_workspace(WORKSPACE + hooks, folder, environment={"HOOK_SECRET": SECRET})
    artifact.save(make_scorer(workspace, 1), folder / "model")
    live = model(folder / "model", workspace)

    def begin() -> None:
        store = EventStore(url)
        store.migrate()
        (endpoint,) = endpoints_of(workspace, HERE)
        store.outbox.know({endpoint.name: endpoint.address})
        watcher(workspace, store, live).step()

    def arrive(number: int) -> None:
        store = EventStore(url, wait_ms=20_000)
        for name in "ab":
            tell(store, f"lead{number}{name}", EAGER, at=now_us())

    found = [ended(in_child(begin))]
    for number in range(kills):
        found.append(ended(in_child(lambda number=number: arrive(number))))  # type: ignore[misc]
        expected, point = 2 * (number + 1), POINTS[number % len(POINTS)]
        found.append(ended(in_child(lambda *, n=expected, p=point: serve(url, workspace, live, n, p))))  # type: ignore[misc]
        pair = [in_child(lambda n=expected: serve(url, workspace, live, n, None)) for _ in range(2)]  # type: ignore[misc]
        found += [ended(child) for child in pair]
    store = EventStore(url)
    with store.reading() as connection:
        rows = connection.execute(select(outbox.c.message_id, outbox.c.lead_id, outbox.c.kind, outbox.c.delivered_at)).all()
    made = [(change.lead_id, change.from_stage, change.to_stage) for change in changes(store)]
    store.close()
    print(json.dumps({"ended": found, "changes": made, "messages": [list(row) for row in rows]}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
