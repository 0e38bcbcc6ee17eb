"""Schemathesis reads the committed schema and tries every operation: no failure inside, no answer that it does not describe.

That is check 26.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as of_hypothesis
from hypothesis.errors import Unsatisfiable

from serving.openapi import FILE
from tests.serving.conftest import wait_for
from tests.serving.test_draining import is_ready, keep
from tests.serving.test_run import server, track

schemathesis = pytest.importorskip("schemathesis")

SEED = 2026
TIERS = [pytest.param(300, marks=pytest.mark.slow), pytest.param(20_000, marks=pytest.mark.faults)]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.mark.parametrize("cases", TIERS)
@pytest.mark.filterwarnings("ignore")
def test_schemathesis_finds_nothing(folder: Path, tmp_path: Path, models: dict[str, Path], cases: int) -> None:
    from schemathesis import checks

    keep(tmp_path, models)
    wanted = [getattr(checks, name, None) or checks.CHECKS.get_one(name) for name in CHECKS]
    schema = schemathesis.openapi.from_path(FILE)
    operations = [found.ok() for found in schema.get_all_operations()]
    modes = list(schemathesis.GenerationMode)
    each = math.ceil(cases / len(operations) / len(modes))
    tried, found = 0, []
    with server(folder, tmp_path) as (client, _):
        wait_for(lambda: is_ready(client), 60)
        client.post("/v1/batch", json={"batch": [track(str(number)) | {"userId": str(number)} for number in range(5)]})
        base = str(client.base_url).rstrip("/")
        for operation in operations:
            for mode in modes:

                @seed(SEED)
                @of_hypothesis(
                    max_examples=each,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(case=operation.as_strategy(generation_mode=mode))
                def one(case: Any) -> None:
                    nonlocal tried
                    tried += 1
                    case.call_and_validate(base_url=base, checks=wanted, timeout=20)

                try:
                    one()
                except Unsatisfiable:
                    continue  # an operation without parameters has no wrong ones
                except schemathesis.core.failures.FailureGroup as group:
                    found += [f"{operation.label}: {failure}" for failure in group.exceptions]
        assert is_ready(client)
    assert found == []
    assert tried >= cases / 2
