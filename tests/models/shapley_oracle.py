"""The Shapley values of a forest leaf by leaf, straight from the formula, and LightGBM's rules for a split, in plain Python."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.columns import Grouping
from models.forest import CATEGORY, KNOWS_MISSING, TINY, ZERO_IS_MISSING, Forest

Floats = NDArray[np.float64]


def goes_left(forest: Forest, s: int, x: float) -> bool:
    """Decide a split as LightGBM does."""
    if forest.rule[s] == CATEGORY:
        if math.isnan(x) or x <= -1.0 or x >= 2.0**31:
            return False
        word, bit = divmod(int(x), 32)
        words = forest.words[forest.first_word[s] : forest.first_word[s + 1]]
        return word < len(words) and bool(int(words[word]) >> bit & 1)
    if math.isnan(x):
        if forest.rule[s] == KNOWS_MISSING:
            return bool(forest.missing_left[s])
        x = 0.0
    if abs(x) <= TINY:
        if forest.rule[s] == ZERO_IS_MISSING:
            return bool(forest.missing_left[s])
        x = 0.0
    return bool(x <= forest.threshold[s])


def cover(forest: Forest, tree: int, node: int) -> float:
    """Return how many training rows a child holds."""
    if node < 0:
        return float(forest.cover[forest.first_leaf[tree] - node - 1])
    s = forest.first_split[tree] + node
    return cover(forest, tree, int(forest.left[s])) + cover(forest, tree, int(forest.right[s]))


def plain_shapley(forest: Forest, x: Floats, grouping: Grouping) -> Floats:
    """Return the values of one row's players, from every leaf's integral, by a rule that is exact for any path."""
    t, weights = np.polynomial.legendre.leggauss(len(grouping.names) // 2 + 1)
    t, weights = (t + 1) / 2, weights / 2
    out = np.zeros(len(grouping.names))

    def walk(tree: int, node: int, held: dict[int, tuple[float, float]]) -> None:
        if node < 0:
            value = forest.value[forest.first_leaf[tree] - node - 1]
            factors = {player: (1 - t) * ratio + t * holds for player, (holds, ratio) in held.items()}
            for player, (holds, ratio) in held.items():
                others = [factors[other] for other in held if other != player]
                out[player] += value * (holds - ratio) * np.sum(weights * np.prod([np.ones_like(t), *others], axis=0))
            return
        s = int(forest.first_split[tree]) + node
        player, left = int(grouping.of[forest.column[s]]), goes_left(forest, s, float(x[forest.column[s]]))
        holds, ratio = held.get(player, (1.0, 1.0))
        for child, taken in ((int(forest.left[s]), left), (int(forest.right[s]), not left)):
            share = cover(forest, tree, child) / cover(forest, tree, node)
            walk(tree, child, {**held, player: (holds * taken, ratio * share)})

    for tree in range(len(forest.first_leaf) - 1):
        if forest.first_split[tree + 1] > forest.first_split[tree]:
            walk(tree, 0, {})
    return out
