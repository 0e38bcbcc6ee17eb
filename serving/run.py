"""Opening the port: who may listen where, and with how many processes."""

from __future__ import annotations

import copy
import errno
import ipaddress
import os
import socket
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import LOGGING_CONFIG

from features.errors import InputError, OutsideError
from features.store import EventStore
from features.workspace import load_workspace
from serving.app import create_app
from serving.settings import Settings

WORKSPACE, OPEN = "TRIALWISE_WORKSPACE", "TRIALWISE_OPEN"
"""How a server process is told what its starter knows."""

GRACE_SECONDS = 20


def serve(workspace: str | Path, *, host: str = "127.0.0.1", port: int = 8080, workers: int = 1, open_: bool = False) -> None:
    """Serve a workspace until told to stop."""
    load_workspace(workspace)  # mistakes in the file are said here, once, and not by each worker
    settings = Settings.from_environment(open_to_all=open_)
    settings.secret()
    may_listen(settings, host)
    _port_is_free(host, port)
    os.environ[WORKSPACE] = str(Path(workspace).absolute())
    os.environ[OPEN] = "1" if open_ else "0"
    uvicorn.run(
        "serving.run:worker",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=log_config(),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=64 * 1024,
        http="serving.connections:PatientProtocol",
        ws="none",  # uvicorn would log the addresses of websockets, and an address may hold a lead
    )


def log_config() -> dict[str, Any]:
    """Return uvicorn's way of logging, to stderr, with our own loggers in it."""
    config = copy.deepcopy(LOGGING_CONFIG)
    config["loggers"]["trialwise"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    return config


def worker() -> FastAPI:
    """Return the application of one server process, as the environment describes it."""
    return create_app(load_workspace(os.environ[WORKSPACE]), Settings.from_environment(open_to_all=os.environ.get(OPEN) == "1"))


def may_listen(settings: Settings, host: str) -> None:
    """Refuse an open server that others can reach, and a closed one that nobody could use."""
    if settings.open_to_all and not is_loopback(host):
        raise InputError(
            "an open server listens on loopback only",
            given=f"--open --host {host}",
            expected="127.0.0.1, ::1 or localhost",
            do="leave out --open and create a key with trialwise keys create",
        )
    store = EventStore(settings.database_url, wait_ms=10_000)
    try:
        store.migrate()  # a store that cannot be used is said here too, and not by each worker
        store.need_same_secret(settings.secret())
        usable = settings.open_to_all or any(key.revoked_at is None for key in store.keys.all())
    finally:
        store.close()
    if not usable:
        raise InputError(
            "the server has no keys",
            given="no key in the store, and no --open",
            expected="at least one key",
            do="run trialwise keys create --scope ingest --scope score, or add --open to serve this machine only",
        )


def is_loopback(host: str) -> bool:
    """Tell whether an address reaches only this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("example.com")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _port_is_free(host: str, port: int) -> None:
    """Say in words that a port is taken, before any process is started."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as trouble:
        taken = trouble.errno == errno.EADDRINUSE
        raise OutsideError(
            "the server cannot listen there",
            given=f"{host}:{port} ({'in use' if taken else trouble.strerror})",
            expected="a free port on this machine",
            do="choose another --port" if taken else "choose another --host or --port",
        ) from trouble
