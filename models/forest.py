"""Forest: decision trees in flat arrays, and what their evaluation asks of each split, bit for bit as LightGBM decides it.

Three of LightGBM's rules matter for equal bits: values within 1e-35 of zero count as zero, a missing value is zero unless the
split knows missing values, and the trees are summed in their order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TINY = float(np.float32(1e-35))
"""LightGBM's zero threshold, a float there: the double is a little more than 1e-35."""

MISSING_IS_ZERO, ZERO_IS_MISSING, KNOWS_MISSING, CATEGORY = 0, 1, 2, 3
WORD_BITS = 32

MOST_MASKED = 63
"""So many leaves have a bit each in one word; what larger trees say is found by walking down."""


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


class Splits(NamedTuple):
    """The splits as the kernel asks them: one question for every rule of missing values.

    The kernel lays rows out in lines, a line a column, values near zero made zero. A number goes left if it is at most the
    threshold, or if it is missing and `missing_left`. Where missing means zero, missing goes where zero goes; where zero means
    missing, the split asks a second line of its column, in which zeros are missing.
    """

    first_split: NDArray[np.int64]
    first_leaf: NDArray[np.int64]
    line: NDArray[np.int32]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    category: NDArray[np.bool_]
    first_word: NDArray[np.int64]
    words: NDArray[np.int64]
    left: NDArray[np.int32]
    """Nodes of a tree: its splits from 0 on, then its leaves."""
    right: NDArray[np.int32]
    lefts: NDArray[np.int64]
    """A bit for each leaf that a row may still reach when it goes left: all but those on the right. 0 in large trees."""
    rights: NDArray[np.int64]
    value: NDArray[np.float64]
    lines: int
    most_splits: int
    """What the largest tree has."""


def splits_of(forest: Forest, columns: int) -> Splits:
    """Tabulate the splits of a forest over so many columns."""
    counts = np.diff(forest.first_split)
    leaf_from = np.repeat(counts, counts) - 1  # leaf -1 - i is node `splits + i`
    zero_is_missing = forest.rule == ZERO_IS_MISSING
    lefts, rights = _masks(forest)
    return Splits(
        first_split=forest.first_split,
        first_leaf=forest.first_leaf,
        line=(forest.column + columns * zero_is_missing).astype(np.int32),
        threshold=forest.threshold,
        missing_left=np.where(forest.rule == MISSING_IS_ZERO, forest.threshold >= 0.0, forest.missing_left == 1),
        category=forest.rule == CATEGORY,
        first_word=forest.first_word,
        words=np.append(forest.words, 0),  # so that the first word of a split is always there to be read
        left=np.where(forest.left >= 0, forest.left, leaf_from - forest.left).astype(np.int32),
        right=np.where(forest.right >= 0, forest.right, leaf_from - forest.right).astype(np.int32),
        lefts=lefts,
        rights=rights,
        value=forest.value,
        lines=columns * (2 if bool(zero_is_missing.any()) else 1),
        most_splits=int(counts.max(initial=0)),
    )


def _masks(forest: Forest) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for every split, the leaves that going left or right leaves open; 0 in trees with too many leaves."""
    lefts, rights = np.zeros(len(forest.column), dtype=np.int64), np.zeros(len(forest.column), dtype=np.int64)
    for tree in range(len(forest.first_leaf) - 1):
        base, end = int(forest.first_split[tree]), int(forest.first_split[tree + 1])
        if end - base >= MOST_MASKED:
            continue
        everything = (1 << (end - base + 1)) - 1
        left, right, below = forest.left[base:end].tolist(), forest.right[base:end].tolist(), [0] * (end - base)
        for split in reversed(range(end - base)):
            on_left, on_right = (below[child] if child >= 0 else 1 << (-1 - child) for child in (left[split], right[split]))
            below[split] = on_left | on_right
            lefts[base + split], rights[base + split] = everything ^ on_right, everything ^ on_left
    return lefts, rights
