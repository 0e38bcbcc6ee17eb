"""Watched from outside: between the last write to the store and each 2xx the kernel was told to sync (check 3)."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.outage import send, serving

CALLS = "trace=pwrite64,pwritev,write,writev,sendto,sendmsg,fdatasync,fsync"


def can_trace() -> bool:
    program = shutil.which("strace")
    return (
        program is not None
        and subprocess.run([program, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not can_trace(), reason="strace is not installed, or may not trace here")
@pytest.mark.parametrize("batches", [pytest.param(20, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.faults)])
def test_every_acknowledgement_comes_after_a_sync(tmp_path: Path, batches: int) -> None:
    trace = tmp_path / "trace"
    with serving(
        tmp_path, f"sqlite:///{tmp_path / 'store.db'}", "strace", "-f", "-y", "-s", "16", "-e", CALLS, "-o", str(trace)
    ) as (client, _):
        for number in range(batches):
            assert send(client, number)
    acknowledged, unsynced, syncs = 0, False, 0
    for line in trace.read_text(errors="replace").splitlines():
        if re.search(r"pwrite(64|v)\(\d+<[^>]*store\.db(-wal)?>", line):
            unsynced, syncs = True, 0
        elif re.search(r"f(data)?sync\(\d+<[^>]*store\.db(-wal)?>", line):
            unsynced, syncs = False, syncs + 1
        elif '"HTTP/1.1 200' in line:
            assert not unsynced, f"answer {acknowledged} left before its data were synced"
            acknowledged += 1
    assert acknowledged >= batches
    assert syncs > 0
