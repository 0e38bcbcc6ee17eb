"""How far long work has come: lines for a log, a bar for a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from features.progress import progress_bar


class Terminal(io.StringIO):
    """A standard error that a person sees."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_plain_lines_at_each_tenth() -> None:
    lines: list[str] = []
    with progress_bar("Storing", say=lines.append) as progress:
        for done in range(5, 1001, 5):
            progress(done, 1000)
    assert lines == [f"Storing: {done:,} of 1,000" for done in range(100, 1001, 100)]


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress_bar("Storing", say=lines.append) as progress:
        progress(3, 10)
    assert not lines
    assert "Storing" in screen.getvalue()
