"""Exact Shapley values of a forest, for players that are single columns or whole behaviours.

The game is path-dependent: a split whose column is not in the coalition sends the row both ways, weighted by the stored covers.
For one leaf of value v let each player i on its path have o_i (1 if the row satisfies all of the player's splits on the path,
else 0) and r_i (the product of its cover ratios). Its share of the leaf is

    v * integral over [0, 1] of (o_i - r_i) * prod over j != i of f_j dt,    f_j = (1 - t) r_j + t o_j,

a polynomial of degree d - 1 for d players, so Gauss-Legendre quadrature with half as many nodes is exact; a tree takes the nodes
that its deepest path needs. Columns are merged into players before the path is read, so the values are those of the game between
the players, not sums of another game's values.

All leaves of a tree are done in two walks over its splits. Going down, the product of the f_j of a path is handed to the
children, a player's old factor exchanged for its new one. Coming up, the products times v are summed, and what a split adds to
its player is those sums times (o - r) / f with the split, less the same without it: along a path these differences add up to
what stands above. Factors depend on the row only by its turn at the split: off the player's path already (0), right (1) or left
(2). What does not depend on the row is tabulated once per model, the quotients above all.

**Shares of columns.** What a split adds is written down under its column. The columns of a player add up to the player's
Shapley value: among the players the value is Shapley's, and within a player it goes to the splits in the order in which a path
meets them. Which feature of a behaviour speaks most clearly is read from this, and costs nothing more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.columns import Grouping
from models.forest import Forest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OFF, RIGHT, LEFT, ALWAYS = 0, 1, 2, 3
"""The turns that a row takes at a split; ALWAYS stands where nothing is asked of it."""
LANES = 4
"""So many points are taken at once; sums are kept apart by point until the end, in as many lanes."""


class Tables(NamedTuple):
    """Everything about the splits and the players that does not depend on the row; one entry a split unless said.

    Small on purpose: for one row, reading it is most of the work.
    """

    order: Ints
    """The trees that have splits."""
    widths: Ints
    """How many points t each tree takes."""
    points: Floats
    """Row m holds the points of the rule with m points, and then others of no weight: every row has a multiple of LANES."""
    weights: Floats
    column: NDArray[np.int32]
    before: NDArray[np.int32]
    """The split above it that the same player made last; where there is none, a place beyond all splits, where ALWAYS stands."""
    wanted: NDArray[np.int8]
    """The turn to have taken there for the player to be on its path still."""
    numbers: Floats
    """The player's r above the split, the shares of the cover that go left and right, and what a product is multiplied by on
    reaching either child: the leaf's value, or 1."""
    inverse: Floats
    """1 / f for a player on its path, at every point: ones first, then for each split after its left turn and after its right."""
    first_inverse: Ints
    """Where a tree's begin."""
    old: NDArray[np.int32]
    """Where those of the player above the split begin."""


class _Walk(NamedTuple):
    """What is gathered on the way down the trees, one entry a split: the player's ratio before and after, the covers' shares."""

    before: list[int]
    wanted: list[int]
    ratio: list[float]
    share_left: list[float]
    share_right: list[float]


def quadrature(most: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights on [0, 1]: row m holds the rule with m nodes, and more nodes of no weight.

    >>> nodes, weights = quadrature(2)
    >>> float(weights[1, 0]), float(nodes[1, 0])
    (1.0, 0.5)
    """
    room = (most + LANES - 1) // LANES * LANES
    nodes, weights = np.full((most + 1, room), 0.5), np.zeros((most + 1, room))
    for count in range(1, most + 1):
        x, w = np.polynomial.legendre.leggauss(count)
        nodes[count, :count], weights[count, :count] = (x + 1) / 2, w / 2
    return nodes, weights


def tables_of(forest: Forest, grouping: Grouping) -> Tables:
    """Tabulate the factors of all splits for the game between the players of a grouping."""
    walk, trees = _Walk([], [], [], [], []), len(forest.first_leaf) - 1
    widths = np.array([(_walk(forest, tree, grouping, walk) + 1) // 2 for tree in range(trees)], dtype=np.int64)
    most = int(widths.max(initial=1))
    points, weights = quadrature(most)
    counts = np.diff(forest.first_split)
    of_split = np.repeat(widths, counts)
    at = most + np.concatenate([[0], np.cumsum(2 * of_split)])
    before, wanted = np.array(walk.before, dtype=np.int32), np.array(walk.wanted, dtype=np.int8)
    ratio, left, right = np.array(walk.ratio), np.array(walk.share_left), np.array(walk.share_right)
    inverse = np.ones(int(at[-1]))
    for width in np.unique(of_split).tolist():
        some, t = np.flatnonzero(of_split == width), points[width, :width]
        on = [(1.0 - t) * (ratio * share)[some][:, None] + t for share in (left, right)]
        inverse[at[some][:, None] + np.arange(2 * width)] = 1.0 / np.concatenate(on, axis=1)
    above = np.where(wanted == ALWAYS, 0, np.repeat(forest.first_split[:-1], counts) + before)
    after = at[above] + np.where(wanted == RIGHT, of_split, 0)
    return Tables(
        order=np.flatnonzero(widths),
        widths=widths,
        points=points,
        weights=weights,
        column=forest.column.astype(np.int32),
        before=before,
        wanted=wanted,
        numbers=np.column_stack([ratio, left, right, _leaf_values(forest, forest.left), _leaf_values(forest, forest.right)]),
        inverse=inverse,
        first_inverse=at[forest.first_split[:-1]],
        old=np.where(wanted == ALWAYS, 0, after).astype(np.int32),
    )


def _walk(forest: Forest, tree: int, grouping: Grouping, walk: _Walk) -> int:
    """Follow every path of one tree from the root; return how many players the longest has."""
    base, end, leaf_base = int(forest.first_split[tree]), int(forest.first_split[tree + 1]), int(forest.first_leaf[tree])
    left, right = forest.left[base:end].tolist(), forest.right[base:end].tolist()
    player = grouping.of[forest.column[base:end]].tolist()
    cover = _covers(left, right, forest.cover[leaf_base : int(forest.first_leaf[tree + 1])].tolist())
    # Of each split still to come, every player above it: its last split, the turn there, its ratio after that turn.
    above: dict[int, dict[int, tuple[int, int, float]]] = {0: {}}
    longest, nowhere = 0, int(np.diff(forest.first_split).max())
    for split in range(end - base):
        path = above.pop(split)
        before, wanted, ratio = path.get(player[split], (nowhere, ALWAYS, 1.0))
        shares = cover[left[split]] / cover[split], cover[right[split]] / cover[split]
        walk.before.append(before)
        walk.wanted.append(wanted)
        walk.ratio.append(ratio)
        walk.share_left.append(shares[0])
        walk.share_right.append(shares[1])
        for child, turn, share in ((left[split], LEFT, shares[0]), (right[split], RIGHT, shares[1])):
            if child >= 0:
                above[child] = {**path, player[split]: (split, turn, ratio * share)}
        longest = max(longest, len(path | {player[split]: ()}))
    return longest


def _covers(left: list[int], right: list[int], leaves: list[float]) -> dict[int, float]:
    """Return the cover of every split and leaf of a tree, by its child number; a split covers what its leaves cover."""
    covers = {-1 - i: cover for i, cover in enumerate(leaves)}
    for split in reversed(range(len(left))):
        covers[split] = covers[left[split]] + covers[right[split]]
    return covers


def _leaf_values(forest: Forest, child: Ints) -> Floats:
    """Return, for each split's child on one side, the value of the leaf that it is, or 1 for a split."""
    tree = np.repeat(np.arange(len(forest.first_leaf) - 1), np.diff(forest.first_split))
    leaf = np.where(child < 0, forest.first_leaf[tree] - child - 1, 0)
    return np.where(child < 0, forest.value[leaf], 1.0)
