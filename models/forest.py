"""Forest: decision trees in flat arrays, and their evaluation bit for bit as LightGBM's.

Three of LightGBM's rules matter for equal bits: values within 1e-35 of zero count as zero, a missing value is zero unless the
split knows missing values, and the trees are summed in their order.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.compiled import compiled

TINY = float(np.float32(1e-35))
"""LightGBM's zero threshold, a float there: the double is a little more than 1e-35."""

MISSING_IS_ZERO, ZERO_IS_MISSING, KNOWS_MISSING, CATEGORY = 0, 1, 2, 3
WORD_BITS = 32


class Forest(NamedTuple):
    """All trees in flat arrays: splits and leaves of tree t lie between two neighbours of `first_split` and `first_leaf`.

    A child of 0 or more is a split of the same tree, below 0 it is leaf `-child - 1` of the same tree. A category split sends
    the codes whose bit is set in `words[first_word[s]:first_word[s + 1]]` to the left.
    """

    first_split: NDArray[np.int64]
    first_leaf: NDArray[np.int64]
    column: NDArray[np.int64]
    threshold: NDArray[np.float64]
    rule: NDArray[np.int64]
    missing_left: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    first_word: NDArray[np.int64]
    words: NDArray[np.int64]
    value: NDArray[np.float64]
    cover: NDArray[np.float64]


@compiled
def goes_left(forest: Forest, s: int, x: float, tiny: float) -> bool:
    """Decide one split for one value."""
    rule = forest.rule[s]
    if rule == 3:
        if math.isnan(x) or x <= -1.0 or x >= 2147483648.0:
            return False
        code = int(x)
        at = forest.first_word[s] + (code >> 5)
        return bool(at < forest.first_word[s + 1] and ((forest.words[at] >> (code & 31)) & 1) == 1)
    if math.isnan(x):
        if rule == 2:
            return bool(forest.missing_left[s] == 1)
        x = 0.0
    if -tiny <= x <= tiny:
        if rule == 1:
            return bool(forest.missing_left[s] == 1)
        x = 0.0
    return bool(x <= forest.threshold[s])


@compiled
def sum_of_leaves(x: NDArray[np.float64], forest: Forest, tiny: float, out: NDArray[np.float64]) -> None:
    """Add up the leaf that each row reaches in each tree."""
    for row in range(x.shape[0]):
        total = 0.0
        for tree in range(forest.first_leaf.shape[0] - 1):
            base = forest.first_split[tree]
            node = 0
            if forest.first_split[tree + 1] == base:
                node = -1
            while node >= 0:
                s = base + node
                left = goes_left(forest, s, x[row, forest.column[s]], tiny)
                node = forest.left[s] if left else forest.right[s]
            total += forest.value[forest.first_leaf[tree] - node - 1]
        out[row] = total


@compiled
def decide_all(x: NDArray[np.float64], forest: Forest, tiny: float, out: NDArray[np.int8]) -> None:
    """Decide every split of every tree for each row."""
    for row in range(x.shape[0]):
        for s in range(forest.column.shape[0]):
            left = goes_left(forest, s, x[row, forest.column[s]], tiny)
            out[row, s] = 1 if left else 0
