from __future__ import annotations

import pytest

from features.workspaces.conditions import all_hold, holds, text


@pytest.mark.parametrize(
    ("value", "operator", "wanted"),
    [
        (9, "eq", 9), (9.0, "eq", 9), ("9", "eq", 9), (9, "eq", "9"), (9.0, "eq", "9"), (True, "eq", True), ("True", "eq", True),
        (1, "eq", True), (0.0, "eq", False), ("pro", "eq", "pro"), (True, "eq", "true"), ("1", "eq", True),
        ("b", "in", ("a", "b")), (3, "in", ("a", 3)),
        ("9.5", "ge", 9), (9, "ge", 9), (10, "gt", 9), (9, "le", 9), (8, "lt", 9), ("/pricing/eu", "glob", "/pricing*"),
        (2024, "glob", "20??"), ("a[b]", "glob", "a[*"), (["VIP", 9], "glob", '*"VIP"*'), ({"a": 1}, "eq", '{"a": 1}'),
    ],
)  # fmt: skip
def test_holds(value, operator, wanted):
    assert holds(value, operator, wanted)


@pytest.mark.parametrize(
    ("value", "operator", "wanted"),
    [
        (None, "eq", 9), (float("nan"), "le", 9), ("", "eq", ""), ("nine", "ge", 1), ("9", "eq", 8), ("pro", "eq", "Pro"),
        ("x", "eq", 1),
        ("", "glob", "*"), ([9], "eq", 9), ([9], "ge", 1), (9, "gt", 9), (9, "lt", 9), (8.9, "ge", 9), (9.1, "le", 9),
        ("c", "in", ("a", "b")), ("yes", "eq", True), ("abc", "glob", "b*"),
    ],
)  # fmt: skip
def test_holds_not(value, operator, wanted):
    assert not holds(value, operator, wanted)


def test_every_condition_must_hold():
    where = {"score": {"ge": 3, "lt": 5}, "plan": {"eq": "pro"}}
    assert all_hold({"score": 4, "plan": "pro", "more": 1}, where)
    assert not all_hold({"score": 5, "plan": "pro"}, where)
    assert not all_hold({"score": 4}, where)
    assert all_hold({}, {})


def test_an_unknown_operator_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="unknown operator like"):
        holds(1, "like", 1)


def test_large_and_small_numbers_keep_their_text():
    assert text(1e300) == "1e+300"
    assert text(-0.5) == "-0.5"
    assert text(123456) == "123456"
