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


# What follows is asked millions of times. It takes numbers out of the arrays of a forest, never the forest: to hand over a tuple
# of arrays, Numba counts a reference to each of them, which costs five times the work itself.


@compiled
def number_goes_left(x: float, threshold: float, rule: int, missing_left: int, tiny: float) -> bool:
    """Decide a split by a number."""
    if math.isnan(x):
        if rule == 2:
            return missing_left == 1
        x = 0.0
    if -tiny <= x <= tiny:
        if rule == 1:
            return missing_left == 1
        x = 0.0
    return x <= threshold


@compiled
def category_goes_left(x: float, words: NDArray[np.int64], first: int, end: int) -> bool:
    """Decide a split by a category, whose codes to the left are in ``words[first:end]``."""
    if math.isnan(x) or x <= -1.0 or x >= 2147483648.0:
        return False
    code = int(x)
    at = first + (code >> 5)
    return bool(at < end and ((words[at] >> (code & 31)) & 1) == 1)


@compiled
def sum_of_leaves(x: NDArray[np.float64], forest: Forest, tiny: float, out: NDArray[np.float64]) -> None:
    """Add up the leaf that each row reaches in each tree."""
    first_split, first_leaf, value, words, first_word = (
        forest.first_split, forest.first_leaf, forest.value, forest.words, forest.first_word,
    )  # fmt: skip
    column, threshold, rule, missing_left, left, right = (
        forest.column, forest.threshold, forest.rule, forest.missing_left, forest.left, forest.right,
    )  # fmt: skip
    for row in range(x.shape[0]):
        total = 0.0
        for tree in range(first_leaf.shape[0] - 1):
            base = first_split[tree]
            node = 0
            if first_split[tree + 1] == base:
                node = -1
            while node >= 0:
                s = base + node
                if rule[s] == 3:
                    goes_left = category_goes_left(x[row, column[s]], words, first_word[s], first_word[s + 1])
                else:
                    goes_left = number_goes_left(x[row, column[s]], threshold[s], rule[s], missing_left[s], tiny)
                node = left[s] if goes_left else right[s]
            total += value[first_leaf[tree] - node - 1]
        out[row] = total


@compiled
def decide_all(x: NDArray[np.float64], forest: Forest, tiny: float, out: NDArray[np.int8]) -> None:
    """Decide every split of every tree for each row."""
    column, threshold, rule, missing_left = forest.column, forest.threshold, forest.rule, forest.missing_left
    words, first_word = forest.words, forest.first_word
    for row in range(x.shape[0]):
        for s in range(column.shape[0]):
            if rule[s] == 3:
                goes_left = category_goes_left(x[row, column[s]], words, first_word[s], first_word[s + 1])
            else:
                goes_left = number_goes_left(x[row, column[s]], threshold[s], rule[s], missing_left[s], tiny)
            out[row, s] = 1 if goes_left else 0
