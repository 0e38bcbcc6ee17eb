"""Errors say what was given, what was expected and what to do."""

from __future__ import annotations

import pytest

from features.errors import InputError, OutsideError, StoppedError, TrialwiseError

PARTS = {"given": "3 rows", "expected": "at least 40", "do": "collect more"}


@pytest.mark.parametrize(("kind", "code"), [(TrialwiseError, 2), (InputError, 2), (StoppedError, 1), (OutsideError, 3)])
def test_each_kind_has_its_exit_code(kind: type[TrialwiseError], code: int) -> None:
    assert kind("leads", **PARTS).exit_code == code
    assert issubclass(kind, TrialwiseError)


def test_parts_and_sentence() -> None:
    error = InputError("leads.csv", **PARTS)
    assert error.as_dict() == {"error": "leads.csv", **PARTS}
    assert str(error) == "leads.csv: given 3 rows; expected at least 40; collect more."


@pytest.mark.parametrize("end", [".", "?", "!"])
def test_a_sentence_ends_once(end: str) -> None:
    assert str(InputError("x", given="a", expected="b", do=f"c{end}")).endswith(f"; c{end}")
