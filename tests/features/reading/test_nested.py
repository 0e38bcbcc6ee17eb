"""What lies inside a value is found by its path."""

from __future__ import annotations

from typing import Any

import pytest

from features.reading.nested import find, opened, roots, walk


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"a.b": {"c": 1}}, "a.b.c", 1),
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a": '{"b": [1]}'}, "a.b", [1]),
        ({"a": "{broken"}, "a.b", None),
        ({"a": '"text"'}, "a.b", None),
        ({"a": None}, "a.b", None),
        ({"a": 7}, "a.b", None),
        ({"url": "http://[bad"}, "url.path", None),
        ({"url": "https://x.test?a=1"}, "url.path", "/"),
        ({"url": "https://x.test/a?b=1"}, "url.query", "b=1"),
        ([{"key": "k", "value": {"string_value": "v"}}], "k", "v"),
        ([{"key": "k", "value": {"int_value": None, "double_value": 1.5}}], "k", 1.5),
        ([{"key": "k", "value": {"int_value": "-12"}}], "k", -12),
        ([{"key": "k", "value": {"string_value": None}}], "k", None),
        ([{"key": "k", "value": "plain"}, {"no": 1}, 3], "k", "plain"),
        ([("k", "of a map")], "k", "of a map"),
    ],
)
def test_walk(value: Any, path: str, found: Any) -> None:
    assert walk(value, path) == found


def test_the_top_comes_before_the_containers_and_those_before_paths() -> None:
    row = {"plan": 1, "properties": {"plan": 2, "n": None, "x.y": 3}, "x": {"y": 4}, "event_params": [{"key": "p", "value": "q"}]}
    assert find(row, "plan") == (True, 1)
    assert find(row, "n") == (True, None)
    assert find(row, "x.y") == (True, 3)
    assert find(row, "p") == (True, "q")
    assert find({"x": {"y": 4}}, "x.y") == (True, 4)
    assert find({"properties": {"url": "https://a.test/b"}}, "url.path") == (True, "/b")
    assert find(row, "absent") == find(row, "absent.too") == (False, None)


def test_where_a_name_may_lie() -> None:
    assert roots("plan", ["id", "traits"]) == [("traits", "plan")]
    assert roots("plan", ["id"]) == []
    assert opened("[" * 100_000) == {}
