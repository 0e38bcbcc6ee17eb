"""Exact Shapley values of a forest, for players that are single columns or whole behaviours.

The game is path-dependent: a split whose column is not in the coalition sends the row both ways, weighted by the stored covers.
For one leaf of value v let each player i on its path have o_i (1 if the row satisfies all of the player's splits on the path,
else 0) and r_i (the product of its cover ratios). Its share of the leaf is

    v * integral over [0, 1] of (o_i - r_i) * prod over j != i of ((1 - t) r_j + t o_j) dt,

a polynomial of degree d - 1 for d players, so Gauss-Legendre quadrature with half as many nodes is exact. Columns are merged into
players before the path is read, so the values are those of the game between the players, not sums of another game's values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.compiled import compiled
from models.columns import Grouping
from models.forest import Forest


class Paths(NamedTuple):
    """The paths of all leaves: leaf l has the player slots and the edges between two neighbours of `first_slot`, `first_edge`."""

    first_slot: NDArray[np.int64]
    player: NDArray[np.int64]
    ratio: NDArray[np.float64]
    first_edge: NDArray[np.int64]
    split: NDArray[np.int64]
    side: NDArray[np.int8]
    slot: NDArray[np.int64]
    nodes: NDArray[np.float64]
    weights: NDArray[np.float64]


def quadrature(most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Gauss-Legendre nodes and weights on [0, 1]: row m holds the rule with m nodes.

    >>> nodes, weights = quadrature(2)
    >>> float(weights[1, 0]), float(nodes[1, 0])
    (1.0, 0.5)
    """
    nodes, weights = np.zeros((most + 1, most)), np.zeros((most + 1, most))
    for count in range(1, most + 1):
        x, w = np.polynomial.legendre.leggauss(count)
        nodes[count, :count], weights[count, :count] = (x + 1) / 2, w / 2
    return nodes, weights


def paths_of(forest: Forest, grouping: Grouping) -> Paths:
    """Tabulate everything about the leaves' paths that does not depend on the row."""
    leaves = len(forest.value)
    slots: list[dict[int, float]] = [{} for _ in range(leaves)]
    edges: list[list[tuple[int, int, int]]] = [[] for _ in range(leaves)]
    for tree in range(len(forest.first_leaf) - 1):
        _walk(forest, tree, grouping, slots, edges)
    deepest = max((len(found) for found in slots), default=0)
    nodes, weights = quadrature(max(1, (deepest + 1) // 2))
    flat = [edge for leaf in edges for edge in leaf]
    return Paths(
        first_slot=np.cumsum([0, *(len(found) for found in slots)], dtype=np.int64),
        player=np.array([player for found in slots for player in found], dtype=np.int64),
        ratio=np.array([ratio for found in slots for ratio in found.values()], dtype=np.float64),
        first_edge=np.cumsum([0, *(len(found) for found in edges)], dtype=np.int64),
        split=np.array([split for split, _, _ in flat], dtype=np.int64),
        side=np.array([side for _, side, _ in flat], dtype=np.int8),
        slot=np.array([slot for _, _, slot in flat], dtype=np.int64),
        nodes=nodes,
        weights=weights,
    )


def _walk(
    forest: Forest, tree: int, grouping: Grouping, slots: list[dict[int, float]], edges: list[list[tuple[int, int, int]]]
) -> None:
    """Follow every path of one tree, merging splits of the same player as they come."""
    base, leaf_base = int(forest.first_split[tree]), int(forest.first_leaf[tree])
    splits = int(forest.first_split[tree + 1]) - base
    covers = _covers(forest, tree)
    if splits == 0:
        return
    todo: list[tuple[int, dict[int, float], list[tuple[int, int]]]] = [(0, {}, [])]
    while todo:
        node, ratios, path = todo.pop()
        s = base + node
        player = int(grouping.of[forest.column[s]])
        for side, child in ((1, int(forest.left[s])), (0, int(forest.right[s]))):
            merged = dict(ratios)
            merged[player] = merged.get(player, 1.0) * (covers[child] / covers[node])
            longer = [*path, (s, side)]
            if child >= 0:
                todo.append((child, merged, longer))
                continue
            leaf = leaf_base - child - 1
            order = {found: i for i, found in enumerate(merged)}
            slots[leaf] = merged
            edges[leaf] = [(at, turn, order[int(grouping.of[forest.column[at]])]) for at, turn in longer]


def _covers(forest: Forest, tree: int) -> dict[int, float]:
    """Return the cover of every split and leaf of a tree, by its child number; a split covers what its leaves cover."""
    base, leaf_base = int(forest.first_split[tree]), int(forest.first_leaf[tree])
    covers = {-1 - i: float(forest.cover[leaf_base + i]) for i in range(int(forest.first_leaf[tree + 1]) - leaf_base)}
    for node in reversed(range(int(forest.first_split[tree + 1]) - base)):
        covers[node] = covers[int(forest.left[base + node])] + covers[int(forest.right[base + node])]
    return covers


@compiled
def shapley_values(decided: NDArray[np.int8], value: NDArray[np.float64], paths: Paths, out: NDArray[np.float64]) -> None:
    """Add each leaf's shares to the players of each row, leaf after leaf in one fixed order."""
    widest = 2 * paths.nodes.shape[1] + 1
    holds = np.empty(widest)
    factor = np.empty(widest)
    share = np.empty(widest)
    for row in range(decided.shape[0]):
        for leaf in range(value.shape[0]):
            start = paths.first_slot[leaf]
            count = paths.first_slot[leaf + 1] - start
            for i in range(count):
                holds[i] = 1.0
                share[i] = 0.0
            for edge in range(paths.first_edge[leaf], paths.first_edge[leaf + 1]):
                if decided[row, paths.split[edge]] != paths.side[edge]:
                    holds[paths.slot[edge]] = 0.0
            rule = (count + 1) // 2
            for q in range(rule):
                t = paths.nodes[rule, q]
                product = paths.weights[rule, q] * value[leaf]
                for i in range(count):
                    factor[i] = (1.0 - t) * paths.ratio[start + i] + t * holds[i]
                    product *= factor[i]
                for i in range(count):
                    share[i] += product / factor[i]
            for i in range(count):
                out[row, paths.player[start + i]] += (holds[i] - paths.ratio[start + i]) * share[i]
