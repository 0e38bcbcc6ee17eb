"""A proxy in front of a database that cuts connections in the middle of a commit: before the database hears of it, or after."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

COMMIT = b"COMMIT"


class Cutting:
    """What is to be done to the next commits, and how many were cut so far."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.planned: list[str] = []
        """For each of the next commits `before`, `after` or `pass`; without a plan all pass."""
        self.cut = 0
        self._lock = threading.Lock()

    def next_step(self) -> str:
        """Take what is planned for a commit."""
        with self._lock:
            step = self.planned.pop(0) if self.planned else "pass"
            self.cut += step != "pass"
            return step

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                ours, _ = self.listener.accept()
            except OSError:
                return
            try:
                theirs = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                ours.close()
                continue
            silent = threading.Event()
            for source, sink, is_client in ((ours, theirs, True), (theirs, ours, False)):
                threading.Thread(target=self.carry, args=(source, sink, is_client, silent), daemon=True).start()

    def carry(self, source: socket.socket, sink: socket.socket, is_client: bool, silent: threading.Event) -> None:
        """Carry bytes one way, until a commit that is to be cut."""
        with suppress(OSError):
            while part := source.recv(1 << 16):
                step = self.next_step() if is_client and COMMIT in part else "pass"
                if step == "before":
                    break
                if step == "after":
                    silent.set()  # the database does it, and nobody hears of it
                    sink.sendall(part)
                    continue
                if silent.is_set() and not is_client:
                    break
                sink.sendall(part)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def cutting(port: int) -> Iterator[Cutting]:
    """Yield a proxy to a port of this machine."""
    proxy = Cutting(port)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.listener.shutdown(socket.SHUT_RDWR)
        proxy.listener.close()
        thread.join()
