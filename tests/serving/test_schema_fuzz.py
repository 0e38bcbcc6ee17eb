"""Schemathesis reads the committed schema and tries every operation: no failure inside, no answer that it does not describe.

It also walks: what one answer says of a lead or a model it asks the next operation for, and who was forgotten stays forgotten.

That is check 26.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as of_hypothesis
from hypothesis.errors import Flaky, Unsatisfiable

from serving.openapi import FILE
from tests.serving.conftest import wait_for
from tests.serving.test_draining import is_ready, keep
from tests.serving.test_run import server, track

schemathesis = pytest.importorskip("schemathesis")

SEED = 2026
TIERS = [pytest.param(300, marks=pytest.mark.slow), pytest.param(20_000, marks=pytest.mark.faults)]
WALKS = [pytest.param(100, marks=pytest.mark.slow), pytest.param(1_000, marks=pytest.mark.faults)]
AT_ONCE, LEADS = 10, 5
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
    wanted, schema = checks(CHECKS), schemathesis.openapi.from_path(FILE)
    operations = [found.ok() for found in schema.get_all_operations()]
    modes = list(schemathesis.GenerationMode)
    each = math.ceil(cases / len(operations) / len(modes))
    tried, found = 0, []
    with serving(folder, tmp_path, models) as base:
        for operation in operations:
            for mode in modes:

                @seed(SEED)
                @quietly(max_examples=each)
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
    assert found == []
    assert tried >= cases / 2


@pytest.mark.parametrize("walks", WALKS)
@pytest.mark.filterwarnings("ignore")
def test_what_an_answer_names_can_be_asked_for(folder: Path, tmp_path: Path, models: dict[str, Path], walks: int) -> None:
    machine = schemathesis.openapi.from_path(FILE).as_state_machine()
    wanted = checks(CHECKS)
    answered: Counter[tuple[str, int]] = Counter()
    forgotten: set[str] = set()
    found: list[str] = []
    with serving(folder, tmp_path, models, leads=10 * walks) as base:

        class Walk(machine):  # type: ignore[misc, valid-type]
            def get_call_kwargs(self, case: Any) -> dict[str, Any]:
                return {"base_url": base, "timeout": 20}

            def validate_response(self, response: Any, case: Any, additional_checks: Any = None, **_: Any) -> None:
                label, status, lead_id = case.operation.label, response.status_code, case.path_parameters.get("lead_id", "")
                answered[label, status] += 1
                if status == 200 and label.startswith("DELETE"):
                    forgotten.add(lead_id)
                elif status == 200 and lead_id in forgotten:
                    found.append(f"{label} knows a lead that was forgotten")
                try:
                    case.validate_response(response, checks=wanted, recorder=self.recorder)
                except schemathesis.core.failures.FailureGroup as group:  # told afterwards: a second try meets other leads
                    found.extend(f"{label}: {failure}" for failure in group.exceptions)

        for number in range(walks // AT_ONCE):
            with suppress(Flaky):  # the same walk once more meets other leads, since some were forgotten meanwhile
                seed(SEED + number)(Walk).run(settings=quietly(max_examples=AT_ONCE, stateful_step_count=8))
    print(dict(answered))
    assert found == []
    for address in ("score", "features", "changes", "actions", "export"):
        assert answered[f"GET /v1/leads/{{lead_id}}/{address}", 200], answered
    assert answered["DELETE /v1/leads/{lead_id}", 200], answered


def checks(names: tuple[str, ...]) -> list[Callable[..., Any]]:
    """Return checks of Schemathesis by their names."""
    from schemathesis import checks

    return [getattr(checks, name, None) or checks.CHECKS.get_one(name) for name in names]


def quietly(**settings: Any) -> of_hypothesis:
    """Return settings under which nothing is kept, shrunk or found too slow."""
    return of_hypothesis(
        deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), **settings
    )


@contextmanager
def serving(folder: Path, tmp_path: Path, models: dict[str, Path], leads: int = LEADS) -> Iterator[str]:
    """Serve a model and some leads, and give the address; the server must still be ready afterwards."""
    keep(tmp_path, models)
    with server(folder, tmp_path) as (client, _):
        wait_for(lambda: is_ready(client), 60)
        for begin in range(0, leads, 500):
            calls = [track(str(number)) | {"userId": str(number)} for number in range(begin, min(begin + 500, leads))]
            assert client.post("/v1/batch", json={"batch": calls}).json()["refused"] == []
        yield str(client.base_url).rstrip("/")
        assert is_ready(client)
