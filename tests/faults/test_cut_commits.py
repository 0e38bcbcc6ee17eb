"""The connection to PostgreSQL is cut in the middle of commits: what came of them nobody knows, and sent again it is there once.

That is the last part of check 8; the others are in outage.
"""

from __future__ import annotations

import random
import secrets
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.cutting_proxy import cutting
from tests.faults.outage import send, serving, stored, threads
from tests.journeys.scratch_postgres import scratch_postgres


@pytest.mark.skipif(sys.platform != "linux", reason="threads are read as Linux has them")
@pytest.mark.parametrize("cuts", [pytest.param(5, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.faults)])
def test_a_commit_that_is_cut_settles_to_once(tmp_path: Path, cuts: int) -> None:
    seed = secrets.randbits(32)
    draw, slowest, refused = random.Random(seed), 0.0, 0
    with scratch_postgres() as postgres, cutting(postgres.port) as proxy:
        address = postgres.address()
        through = address.replace(f":{urlsplit(address).port}/", f":{proxy.port}/")
        with serving(tmp_path, through) as (client, process):
            assert send(client, 0)
            before = threads(process)
            for number in range(1, cuts + 1):
                proxy.planned = [draw.choice(("before", "after"))]
                while True:
                    begin = time.monotonic()
                    acknowledged = send(client, number)
                    slowest = max(slowest, time.monotonic() - begin)
                    if acknowledged:
                        break
                    refused += 1
                assert proxy.planned == []
            grown = threads(process) - before
        assert stored(address) == [str(number) for number in range(cuts + 1)]
    print(
        f"seed {seed}: {proxy.cut} commits cut, {refused} answers 503, the slowest answer {slowest:.2f} s, {grown} threads more"
    )
    assert proxy.cut == cuts
    assert refused >= cuts / 2  # else the store hid the cuts, and nothing was asked of the client
    assert grown <= 8
