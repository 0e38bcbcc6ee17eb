"""Our server as ``trialwise serve`` runs it, optionally without its metrics or its ledger, to see what each of them costs."""

from __future__ import annotations

import argparse

from fastapi import FastAPI

from serving import run
from serving.ledger import Ledger
from serving.metrics import Measured


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--without", choices=["", "metrics", "ledger"], default="")
    asked = parser.parse_args()
    whole = run.worker

    def worker() -> FastAPI:
        app = whole()
        if asked.without == "metrics":
            app.user_middleware = [one for one in app.user_middleware if one.cls is not Measured]
        return app

    run.worker = worker
    if asked.without == "ledger":
        Ledger.note = lambda self, answers: None  # type: ignore[method-assign,misc,assignment]
    run.serve(asked.workspace, port=asked.port, open_=asked.open)


if __name__ == "__main__":
    main()
