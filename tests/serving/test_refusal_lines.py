"""Refusal lines: a few are told one by one, thousands of them in one line a second, and none is left out of the count."""

from __future__ import annotations

import asyncio
import logging

import pytest

from serving import refusal_lines
from serving.refusal_lines import ALONE, RefusalLines
from serving.request_ids import Note


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int | None, str | None]]:
    """Return of each line its route, how many more it tells of, and whose it is."""
    return [(line.told["route"], line.told.get("more"), getattr(line, "request_id", None)) for line in caplog.records]


def test_the_first_have_lines_of_their_own_and_the_others_are_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_lines, "SECONDS", 0.01)
    lines = RefusalLines()

    async def storm() -> None:
        for number in range(ALONE + 7):
            lines.tell(Note(f"id-{number}"), "POST", "/v1/score" if number % 2 else "/v1/batch", 503, 0.0)
        await asyncio.sleep(0.05)
        lines.tell(Note("later"), "POST", "/v1/score", 503, 0.0)
        await asyncio.sleep(0.05)

    with caplog.at_level(logging.INFO, "trialwise.access"):
        asyncio.run(storm())
    found = told(caplog)
    assert [name for _, _, name in found[:ALONE]] == [f"id-{number}" for number in range(ALONE)]
    assert sorted(found[ALONE:-1]) == [("/v1/batch", 4, None), ("/v1/score", 3, None)]
    assert found[-1] == ("/v1/score", None, "later")


def test_what_was_counted_is_told_when_the_server_stops(caplog: pytest.LogCaptureFixture) -> None:
    lines = RefusalLines()

    async def storm() -> None:
        for number in range(ALONE + 1):
            lines.tell(Note(f"id-{number}"), "POST", "/v1/score", 503, 0.0)
        lines.sum_up()
        lines.sum_up()

    with caplog.at_level(logging.INFO, "trialwise.access"):
        asyncio.run(storm())
    assert told(caplog)[ALONE:] == [("/v1/score", 1, None)]


def test_a_log_that_is_not_wanted_costs_nothing() -> None:
    log = logging.getLogger("trialwise.access")
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        RefusalLines().tell(Note("outside of any loop"), "POST", "/v1/score", 503, 0.0)
    finally:
        log.setLevel(before)
