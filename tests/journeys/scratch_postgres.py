"""A PostgreSQL of a test's own, made by initdb, which the test may stop and start; skipped where PostgreSQL is not installed."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.server import free_port

OWNER = "postgres"
"""Who runs it where we are root, whom PostgreSQL refuses."""


def binaries() -> Path:
    """Return the folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip("PostgreSQL's programs are not installed")
    return found[-1] if found else Path(str(on_path)).parent


@dataclass(frozen=True)
class Postgres:
    """A server with one user, `trialwise`, and a password."""

    folder: Path
    port: int
    password: str

    def address(self, database: str = "trialwise", user: str = "trialwise") -> str:
        """Return where it is."""
        return f"postgresql://{user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self._control("-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop it: `immediate` is what a crash is."""
        self._control("-m", how, "stop")

    def _control(self, *words: str) -> None:
        _as_owner(str(binaries() / "pg_ctl"), "-D", str(self.folder / "data"), *words)


def _as_owner(*command: str) -> None:
    before = ["runuser", "-u", OWNER, "--"] if getpass.getuser() == "root" or os.getuid() == 0 else []
    done = subprocess.run([*before, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-2000:]}"


@contextmanager
def scratch_postgres(password: str = "secret") -> Iterator[Postgres]:
    """Yield a running server with a database `trialwise`; everything is gone at the end."""
    bin_folder = binaries()
    folder = Path(tempfile.mkdtemp(prefix="trialwise-postgres-"))  # a socket's path has to be short
    folder.chmod(0o755)
    (folder / "password").write_text(password, encoding="ascii")
    if os.getuid() == 0:
        for path in (folder, folder / "password"):
            shutil.chown(path, OWNER)
    server = Postgres(folder, free_port(), password)
    try:
        _as_owner(
            str(bin_folder / "initdb"), "-D", str(folder / "data"), "-U", "trialwise", "--auth=scram-sha-256",
            f"--pwfile={folder / 'password'}", "--encoding=UTF8", "--locale=C",
        )  # fmt: skip
        server.start()
        try:
            environment = os.environ | {"PGPASSWORD": password}
            command = [str(bin_folder / "createdb"), "-h", "127.0.0.1", "-p", str(server.port), "-U", "trialwise", "trialwise"]
            subprocess.run(command, env=environment, check=True)
            yield server
        finally:
            if (folder / "data/postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
