"""The text of trees: our own JSON, its strict reader, and the way from LightGBM's dump to it.

A tree is seven lists over its splits in preorder (column, threshold, rule, missing_left, left, right, codes) and two over its
leaves (value, cover). Splits come after their parents, so a walk down always ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.columns import MOST_CATEGORIES, ColumnSpec
from models.errors import damaged
from models.forest import CATEGORY, KNOWS_MISSING, MISSING_IS_ZERO, WORD_BITS, ZERO_IS_MISSING, Forest
from models.strict import Fields

MOST_TREES = 10_000
MOST_LEAVES = 8_192
LARGEST_VALUE = 1e6
RULES = ("missing_is_zero", "zero_is_missing", "knows_missing", "category")
SPLIT_LISTS = ("column", "threshold", "rule", "missing_left", "left", "right", "codes")
LEAF_LISTS = ("value", "cover")
_DUMP_RULES = {"None": MISSING_IS_ZERO, "Zero": ZERO_IS_MISSING, "NaN": KNOWS_MISSING}


def forest_to_json(forest: Forest) -> list[dict[str, object]]:
    """Return one object of lists for each tree."""
    trees: list[dict[str, object]] = []
    for tree in range(len(forest.first_leaf) - 1):
        splits = range(int(forest.first_split[tree]), int(forest.first_split[tree + 1]))
        leaves = slice(int(forest.first_leaf[tree]), int(forest.first_leaf[tree + 1]))
        part = slice(splits.start, splits.stop)
        trees.append(
            {
                "column": forest.column[part].tolist(),
                "threshold": forest.threshold[part].tolist(),
                "rule": [RULES[rule] for rule in forest.rule[part].tolist()],
                "missing_left": forest.missing_left[part].tolist(),
                "left": forest.left[part].tolist(),
                "right": forest.right[part].tolist(),
                "codes": [_codes(forest, split) for split in splits],
                "value": forest.value[leaves].tolist(),
                "cover": [int(cover) for cover in forest.cover[leaves]],
            }
        )
    return trees


def _codes(forest: Forest, split: int) -> list[int]:
    """Return the category codes that a split sends to the left."""
    words = forest.words[forest.first_word[split] : forest.first_word[split + 1]].tolist()
    return [WORD_BITS * i + bit for i, word in enumerate(words) for bit in range(WORD_BITS) if word >> bit & 1]


def forest_from_json(trees: Sequence[object], where: str, columns: Sequence[ColumnSpec]) -> Forest:
    """Check every number of every tree, then lay the trees out in flat arrays."""
    if not 0 < len(trees) <= MOST_TREES:
        raise damaged(f"{where} has a wrong number of trees", given=str(len(trees)), expected=f"1 to {MOST_TREES}")
    return pack([_read_tree(tree, f"tree {i} of {where}", columns) for i, tree in enumerate(trees)])


def _read_tree(value: object, where: str, columns: Sequence[ColumnSpec]) -> dict[str, list[Any]]:
    """Read one tree: right types, every index inside, every node reached exactly once, parents before children."""
    fields = Fields(value, where, (*SPLIT_LISTS, *LEAF_LISTS))
    leaves = len(fields.items("value", 1, MOST_LEAVES))
    splits = leaves - 1
    tree: dict[str, list[Any]] = {
        "column": fields.integers("column", splits, 0, len(columns) - 1).tolist(),
        "threshold": fields.numbers("threshold", splits).tolist(),
        "missing_left": fields.integers("missing_left", splits, 0, 1).tolist(),
        "left": fields.integers("left", splits, -leaves, splits - 1).tolist(),
        "right": fields.integers("right", splits, -leaves, splits - 1).tolist(),
        "value": fields.numbers("value", leaves, LARGEST_VALUE).tolist(),
        "cover": fields.integers("cover", leaves, 1, 2**53).tolist(),
    }
    rules = fields.items("rule", splits, splits)
    if any(rule not in RULES for rule in rules):
        fields.wrong("rule", f"one of {', '.join(RULES)}")
    tree["rule"] = [RULES.index(str(rule)) for rule in rules]
    tree["codes"] = []
    for split, codes in enumerate(fields.items("codes", splits, splits)):
        column = columns[tree["column"][split]]
        if (tree["rule"][split] == CATEGORY) != (column.kind == "category"):
            raise damaged(
                f"{where} splits a {column.kind} by the wrong rule",
                given=f"{RULES[tree['rule'][split]]} on {column.name}",
                expected="the rule of its kind",
            )
        most = column.size if column.kind == "category" else -1
        if (
            not isinstance(codes, list)
            or any(type(code) is not int or not 0 <= code <= most for code in codes)
            or codes != sorted(set(codes))
        ):
            raise damaged(
                f"{where} has wrong category codes",
                given=f"split {split}",
                expected=f"rising codes from 0 to {most}, none for a number",
            )
        tree["codes"].append(codes)
    seen: set[int] = {0}
    for split, children in enumerate(zip(tree["left"], tree["right"], strict=True)):
        for child in children:
            if 0 <= child <= split:
                raise damaged(
                    f"{where} runs in a cycle",
                    given=f"split {split} leads to split {child}",
                    expected="children after their parents",
                )
            if child in seen:
                raise damaged(f"{where} reaches a node twice", given=f"child {child} of split {split}", expected="each node once")
            seen.add(child)
    return tree


def pack(trees: Sequence[Mapping[str, list[Any]]]) -> Forest:
    """Lay trees out in flat arrays."""

    def flat(key: str, kind: type[np.generic]) -> NDArray[Any]:
        return np.array([item for tree in trees for item in tree[key]], dtype=kind)

    words = [_words(codes) for tree in trees for codes in tree["codes"]]
    return Forest(
        first_split=np.cumsum([0, *(len(tree["column"]) for tree in trees)], dtype=np.int64),
        first_leaf=np.cumsum([0, *(len(tree["value"]) for tree in trees)], dtype=np.int64),
        column=flat("column", np.int64),
        threshold=flat("threshold", np.float64),
        rule=flat("rule", np.int64),
        missing_left=flat("missing_left", np.int64),
        left=flat("left", np.int64),
        right=flat("right", np.int64),
        first_word=np.cumsum([0, *(len(found) for found in words)], dtype=np.int64),
        words=np.array([word for found in words for word in found], dtype=np.int64),
        value=flat("value", np.float64),
        cover=flat("cover", np.float64),
    )


def _words(codes: Sequence[int]) -> list[int]:
    """Return a set of codes as words of 32 bits."""
    words = [0] * (max(codes) // WORD_BITS + 1 if codes else 0)
    for code in codes:
        words[code // WORD_BITS] |= 1 << code % WORD_BITS
    return words


def from_lightgbm(dump: Mapping[str, Any]) -> Forest:
    """Turn the dump of a fitted booster into our trees, splits in preorder."""
    return pack([_from_dump(info["tree_structure"]) for info in dump["tree_info"]])


def _from_dump(root: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Turn one nested tree into lists."""
    tree: dict[str, list[Any]] = {key: [] for key in (*SPLIT_LISTS, *LEAF_LISTS)}
    todo: list[tuple[Mapping[str, Any], int, str]] = [(root, -1, "left")]
    while todo:
        node, parent, side = todo.pop()
        if "leaf_value" in node:
            tree["value"].append(float(node["leaf_value"]))
            tree["cover"].append(max(1, int(node.get("leaf_count", 1))))
            number = -len(tree["value"])
        else:
            number = len(tree["column"])
            category = node["decision_type"] == "=="
            codes = [int(code) for code in str(node["threshold"]).split("||")] if category else []
            tree["column"].append(int(node["split_feature"]))
            tree["threshold"].append(0.0 if category else float(node["threshold"]))
            tree["rule"].append(CATEGORY if category else _DUMP_RULES[node["missing_type"]])
            tree["missing_left"].append(int(bool(node["default_left"])))
            tree["left"].append(0)
            tree["right"].append(0)
            tree["codes"].append(sorted(code for code in codes if code <= MOST_CATEGORIES))
            todo += [(node["right_child"], number, "right"), (node["left_child"], number, "left")]
        if parent >= 0:
            tree[side][parent] = number
    return tree
