"""Trees from outside: each thing that a tree must not be is refused in its own words."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from models.columns import ColumnSpec
from models.errors import ModelError
from models.trees import Trees

COLUMNS = (
    ColumnSpec("count", "number", "session", 0.0, 9.0),
    ColumnSpec("country", "category", "country", 0.0, 40.0, 40),
)
TREE: dict[str, Any] = {
    "column": [0, 1],
    "threshold": [2.5, 0.0],
    "rule": ["knows_missing", "category"],
    "missing_left": [1, 0],
    "left": [1, -2],
    "right": [-1, -3],
    "codes": [[], [0, 2, 33]],
    "value": [0.5, -0.5, 1.0],
    "cover": [10, 20, 30],
}


def read(tree: object) -> Trees:
    return Trees.from_json({"kind": "trees", "trees": [tree]}, "learner.json", COLUMNS)


def test_the_example_reads_and_writes_itself() -> None:
    assert read(TREE).to_json() == {"kind": "trees", "trees": [TREE]}
    assert read(TREE).expected == pytest.approx((0.5 * 10 - 0.5 * 20 + 30) / 60)


def put(key: str, place: int, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda tree: tree[key].__setitem__(place, value)


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a column that is not there": (put("column", 0, 2), "wrong column"),
    "a column below 0": (put("column", 0, -1), "wrong column"),
    "a child that is not there": (put("left", 0, 2), "wrong left"),
    "a leaf that is not there": (put("right", 1, -4), "wrong right"),
    "a split that leads to itself": (put("left", 1, 1), "runs in a cycle"),
    "a split that leads back": (put("right", 1, 0), "runs in a cycle"),
    "a leaf of two parents": (put("right", 1, -2), "reaches a node twice"),
    "no cover": (put("cover", 0, 0), "wrong cover"),
    "half a cover": (put("cover", 0, 0.5), "wrong cover"),
    "a huge value": (put("value", 0, 1e7), "wrong value"),
    "a text for a value": (put("value", 0, "1"), "wrong value"),
    "an unknown rule": (put("rule", 0, "oblique"), "wrong rule"),
    "a number split by category": (put("rule", 0, "category"), "splits a number by the wrong rule"),
    "a category split by size": (put("rule", 1, "knows_missing"), "splits a category by the wrong rule"),
    "a code beyond the last": (put("codes", 1, [41]), "wrong category codes"),
    "codes out of order": (put("codes", 1, [3, 1]), "wrong category codes"),
    "codes for a number": (put("codes", 0, [1]), "wrong category codes"),
    "codes that are no list": (put("codes", 1, 7), "wrong category codes"),
    "a flag of 2": (put("missing_left", 0, 2), "wrong missing_left"),
    "one leaf too many": (lambda tree: tree["value"].append(1.0), "wrong"),
    "no leaf": (lambda tree: tree["value"].clear(), "wrong value"),
    "a list too few": (lambda tree: tree.pop("codes"), "lacks a key"),
    "a list too many": (lambda tree: tree.update(gain=[1, 2]), "unknown key"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_tree_is_refused(name: str) -> None:
    tree = copy.deepcopy(TREE)
    change, message = WRONG[name]
    change(tree)
    with pytest.raises(ModelError, match=message):
        read(tree)


@pytest.mark.parametrize("count", [0, 10_001])
def test_the_number_of_trees_is_bounded(count: int) -> None:
    with pytest.raises(ModelError, match="wrong number of trees"):
        Trees.from_json({"kind": "trees", "trees": [None] * count}, "learner.json", COLUMNS)
