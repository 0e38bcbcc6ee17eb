"""Opening the port: who may listen where, and with how many processes."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from features.errors import InputError, OutsideError
from features.store import EventStore
from features.workspace import load_workspace
from serving.app import create_app
from serving.background import check_background
from serving.connections import open_more_files
from serving.draining import stop_cleanly
from serving.garbage import look_less_often
from serving.logs import log_config
from serving.metrics import FOLDER
from serving.settings import Settings
from serving.tracing import configured

WORKSPACE, OPEN = "TRIALWISE_WORKSPACE", "TRIALWISE_OPEN"
"""How a server process is told what its starter knows."""

PROXIES = "TRIALWISE_TRUSTED_PROXIES"
"""Whose word is taken for who a client is: the addresses of the balancers in front, separated by commas."""

GRACE_SECONDS = 20


def serve(workspace: str | Path, *, host: str = "127.0.0.1", port: int = 8080, workers: int = 1, open_: bool = False) -> None:
    """Serve a workspace until told to stop."""
    check_background(load_workspace(workspace))  # mistakes in the file are said here, once, and not by each worker
    settings = Settings.from_environment(open_to_all=open_)
    settings.secret()
    may_listen(settings, host)
    _port_is_free(host, port)
    os.environ[WORKSPACE] = str(Path(workspace).absolute())
    os.environ[OPEN] = "1" if open_ else "0"
    proxies, logging = trusted_proxies(os.environ.get(PROXIES) or ""), log_config()
    configured()  # what is wrong with the traces is said here
    stop_cleanly()
    open_more_files()
    with _counted_together(workers):
        _run(host, port, workers, proxies, logging)


def _run(host: str, port: int, workers: int, proxies: list[str], logging: dict[str, Any]) -> None:
    uvicorn.run(
        "serving.run:worker",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=logging,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=64 * 1024,
        http="serving.connections:PatientProtocol",
        ws="none",  # uvicorn would log the addresses of websockets, and an address may hold a lead
    )


@contextmanager
def _counted_together(workers: int) -> Iterator[None]:
    """Give several workers a folder in which each counts, so that whichever is asked for metrics can add all of them up."""
    if workers == 1 or FOLDER in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="trialwise-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def trusted_proxies(text: str) -> list[str]:
    """Read a list of addresses and networks.

    >>> trusted_proxies("10.0.0.0/8, 192.0.2.7"), trusted_proxies("")
    (['10.0.0.0/8', '192.0.2.7'], [])
    """
    found = [part.strip() for part in text.split(",") if part.strip()]
    for part in found:
        try:
            ipaddress.ip_network(part)
        except ValueError:
            raise InputError(
                f"{PROXIES} is not usable", given=part, expected="addresses or networks, separated by commas", do="correct it"
            ) from None
    return found


def worker() -> FastAPI:
    """Return the application of one server process, as the environment describes it."""
    app = create_app(load_workspace(os.environ[WORKSPACE]), Settings.from_environment(open_to_all=os.environ.get(OPEN) == "1"))
    look_less_often()
    return app


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
