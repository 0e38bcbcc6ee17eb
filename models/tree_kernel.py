"""The loops over trees: the sum of the leaves that a row reaches, and the exact share of every column in it.

Rows are taken in blocks, tree after tree, and the innermost loop runs over the rows of a block, without a branch: the compiler
makes vector instructions of it. A few rows are taken one by one with other loops, which follow each row's own decisions. Every
row sees the same operations in the same order either way, so its bits depend neither on the block nor on the other rows.

The disk cache of compiled code does not see changes of another file, so all that is compiled together stands in this one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.compiled import compiled
from models.forest import Splits
from models.shapley import ALWAYS, LANES, Tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.int8]

BLOCK = 64
FEW = 14
"""Below so many rows, one by one is quicker than all at once."""

Four = tuple[float, float, float, float]


@compiled
def sum_of_leaves(x: Floats, splits: Splits, tiny: float, out: Floats) -> None:
    """Add up the leaf that each row reaches in each tree, in the order of the trees."""
    first_split, first_leaf, value = splits.first_split, splits.first_leaf, splits.value
    line, threshold, missing_left, category = splits.line, splits.threshold, splits.missing_left, splits.category
    first_word, words, left, right = splits.first_word, splits.words, splits.left, splits.right
    lefts, rights = splits.lefts, splits.rights
    rows, widest = x.shape[0], min(BLOCK, x.shape[0])
    z = np.empty((splits.lines, widest))
    goes = np.empty((splits.most_splits, widest), dtype=np.int8)
    reached = np.empty(widest, dtype=np.int64)
    start = 0
    while start < rows:
        n = min(rows - start, BLOCK)
        lay_out(x, start, n, tiny, z)
        out[start : start + n] = 0.0
        for tree in range(first_leaf.shape[0] - 1):
            first, leaf = first_split[tree], first_leaf[tree]
            count = first_split[tree + 1] - first
            if n < FEW or count == 0 or lefts[first] == 0:
                for r in range(n):
                    node = 0
                    while node < count:
                        k = first + node
                        v = z[line[k], r]
                        if category[k]:
                            goes_left = in_words(v, words, first_word[k], first_word[k + 1])
                        else:
                            goes_left = (v <= threshold[k]) | ((v != v) & missing_left[k])
                        node = left[k] if goes_left else right[k]
                    out[start + r] += value[leaf + node - count]
            else:
                decide(z, n, first, count, line, threshold, missing_left, category, first_word, words, goes)
                for r in range(n):
                    reached[r] = lefts[first] | rights[first]  # every leaf
                for s in range(count):
                    on_left, on_right = lefts[first + s], rights[first + s]
                    for r in range(n):
                        reached[r] &= on_left if goes[s, r] != 0 else on_right
                for r in range(n):
                    out[start + r] += value[leaf + place_of_bit(reached[r])]
        start += n


@compiled
def shares(x: Floats, splits: Splits, tables: Tables, tiny: float, scratch: int, out: Floats) -> None:
    """Write each player's Shapley value, shared out to its columns: `models.shapley` says what is computed.

    A block takes no more than `scratch` numbers at once: where enormous trees need more, it has fewer rows.
    """
    rows, columns = x.shape
    room = (2 * splits.most_splits + 1) * tables.points.shape[1]
    widest = max(1, min(BLOCK, rows, scratch // max(1, room)))
    deepest = widest if widest >= FEW else 1
    z, of_some, of_few = np.empty((splits.lines, widest)), np.empty((columns * LANES, deepest)), np.empty((FEW, columns * LANES))
    turns = np.empty((splits.most_splits + 1, deepest), dtype=np.int8)
    turns[splits.most_splits] = ALWAYS
    w = np.empty((2 * splits.most_splits + 1, tables.points.shape[1], deepest))
    of_one, inverse = w.reshape(-1), np.ones((splits.most_splits + 1) * tables.points.shape[1])
    start = 0
    while start < rows:
        n = min(rows - start, widest)
        lay_out(x, start, n, tiny, z)
        if n < FEW:
            few_rows(z, n, splits, tables, turns, of_one, inverse, of_few)
        else:
            some_rows(z, n, splits, tables, turns, w, of_some)
        for r in range(n):
            for column in range(columns):
                p = LANES * column
                if n < FEW:
                    out[start + r, column] = (of_few[r, p] + of_few[r, p + 2]) + (of_few[r, p + 1] + of_few[r, p + 3])
                else:
                    out[start + r, column] = (of_some[p, r] + of_some[p + 2, r]) + (of_some[p + 1, r] + of_some[p + 3, r])
        start += n


@compiled
def some_rows(z: Floats, n: int, splits: Splits, tables: Tables, turns: Bytes, w: NDArray[np.float64], phi: Floats) -> None:
    """Go down and up each tree with the rows of a block: `w` holds a number for every node of the tree, point t and row."""
    line, threshold, missing_left, category = splits.line, splits.threshold, splits.missing_left, splits.category
    first_word, words, left, right, first_split = splits.first_word, splits.words, splits.left, splits.right, splits.first_split
    column, before, wanted, widths, weights = tables.column, tables.before, tables.wanted, tables.widths, tables.weights
    points, numbers, first_inverse, inverse, old = tables.points, tables.numbers, tables.first_inverse, tables.inverse, tables.old
    phi[:, :n] = 0.0
    for tree in tables.order:
        first, width, a = first_split[tree], widths[tree], first_inverse[tree]
        count = first_split[tree + 1] - first
        decide(z, n, first, count, line, threshold, missing_left, category, first_word, words, turns)
        for s in range(count):
            above, turn = before[first + s], wanted[first + s]
            for r in range(n):
                turns[s, r] = turns[s, r] + np.int8(1) if turns[above, r] == turn else np.int8(0)
        for q in range(width):
            for r in range(n):
                w[0, q, r] = weights[width, q]
        for s in range(count):
            k = first + s
            lt, rt, b = left[k], right[k], old[k]
            ratio, share_l, share_m, value_l, value_m = numbers[k]
            for q in range(width):
                t = points[width, q]
                part_l, part_m, by = (1.0 - t) * (ratio * share_l), (1.0 - t) * (ratio * share_m), inverse[b + q]
                off_l, right_l, left_l = share_l * value_l, part_l * by * value_l, (part_l + t) * by * value_l
                off_m, right_m, left_m = share_m * value_m, (part_m + t) * by * value_m, part_m * by * value_m
                for r in range(n):
                    here, turn = w[s, q, r], turns[s, r]
                    w[lt, q, r] = here * (left_l if turn == 2 else (right_l if turn == 1 else off_l))
                    w[rt, q, r] = here * (left_m if turn == 2 else (right_m if turn == 1 else off_m))
        for s in range(count - 1, -1, -1):
            k = first + s
            lt, rt, b, i, p = left[k], right[k], old[k], a + 2 * width * s, LANES * column[k]
            ratio, share_l, share_m = numbers[k, 0], numbers[k, 1], numbers[k, 2]
            gain, gain_l, gain_m = 1.0 - ratio, 1.0 - ratio * share_l, 1.0 - ratio * share_m
            for q in range(width):
                by, by_l, by_m, lost = inverse[b + q], inverse[i + q], inverse[i + width + q], 1.0 / (1.0 - points[width, q])
                to = p + q % LANES
                for r in range(n):
                    below_l, below_m, turn = w[lt, q, r], w[rt, q, r], turns[s, r]
                    both = below_l + below_m
                    kept = gain_l * (below_l * by_l) if turn == 2 else gain_m * (below_m * by_m)
                    gone = (below_m if turn == 2 else below_l) * lost
                    added = (kept - gone) - gain * (both * by)
                    phi[to, r] += added if turn != 0 else 0.0
                    w[s, q, r] = both


@compiled
def few_rows(z: Floats, n: int, splits: Splits, tables: Tables, turns: Bytes, w: Floats, inverse: Floats, phi: Floats) -> None:
    """Do the same for a few rows, one by one through each tree: the same operations in the same order, of which turns choose.

    What some rows look up is computed here, for the turns that are taken: reading tables is more work than to divide. Points are
    taken four at a time; those beyond the tree's own weigh nothing.
    """
    line, threshold, missing_left, category = splits.line, splits.threshold, splits.missing_left, splits.category
    first_word, words, left, right, first_split = splits.first_word, splits.words, splits.left, splits.right, splits.first_split
    column, before, wanted, widths, numbers = tables.column, tables.before, tables.wanted, tables.widths, tables.numbers
    points, weights, sums = tables.points.reshape(-1), tables.weights.reshape(-1), phi.reshape(-1)
    others, lost, most = 1.0 - points, 1.0 / (1.0 - points), np.uint64(tables.points.shape[1])
    none, some, last, own = np.uint64(0), np.uint64(LANES), np.uint64(splits.most_splits), np.uint64(phi.shape[1])
    phi[:n] = 0.0
    for tree in tables.order:
        first, m = first_split[tree], np.uint64(widths[tree]) * most
        count, width = first_split[tree + 1] - first, np.uint64((widths[tree] + LANES - 1) // LANES * LANES)
        for r in range(n):
            for q in range(width):
                w[q] = weights[m + q]
                inverse[last * width + q] = 1.0
            for s in range(count):
                k, here = np.uint64(first + s), np.uint64(s) * width
                v, above = z[np.uint64(line[k]), np.uint64(r)], np.uint64(before[k])
                if category[k]:
                    goes_left = in_words(v, words, first_word[k], first_word[k + np.uint64(1)])
                else:
                    goes_left = (v <= threshold[k]) | ((v != v) & missing_left[k])
                turn = np.int64(goes_left) + 1 if turns[above, 0] == wanted[k] else 0
                turns[np.uint64(s), 0] = turn
                lt, rt, b = np.uint64(left[k]) * width, np.uint64(right[k]) * width, above * width
                ratio, share_l, share_m, value_l, value_m = numbers[k]
                if turn != 0:
                    ratio_l, ratio_m, on_l, on_m = ratio * share_l, ratio * share_m, np.float64(turn == 2), np.float64(turn == 1)
                    mine = ratio_l if turn == 2 else ratio_m
                    for q in range(none, width, some):
                        t, u, by, p = four(points, m + q), four(others, m + q), four(inverse, b + q), four(w, here + q)
                        new = inverses(plus(scaled(u, mine), t))
                        by_l = scaled(times(plus(scaled(u, ratio_l), scaled(t, on_l)), by), value_l)
                        by_m = scaled(times(plus(scaled(u, ratio_m), scaled(t, on_m)), by), value_m)
                        put(inverse, here + q, new)
                        put(w, lt + q, times(p, by_l))
                        put(w, rt + q, times(p, by_m))
                else:
                    off_l, off_m = share_l * value_l, share_m * value_m
                    for q in range(none, width, some):
                        p = four(w, here + q)
                        put(w, lt + q, scaled(p, off_l))
                        put(w, rt + q, scaled(p, off_m))
            for s in range(count - 1, -1, -1):
                k, here = np.uint64(first + s), np.uint64(s) * width
                turn, lt, rt = turns[np.uint64(s), 0], np.uint64(left[k]) * width, np.uint64(right[k]) * width
                if turn != 0:
                    on, off = (lt, rt) if turn == 2 else (rt, lt)
                    b, to, ratio = np.uint64(before[k]) * width, np.uint64(r) * own + np.uint64(column[k]) * some, numbers[k, 0]
                    gain, gain_on = 1.0 - ratio, 1.0 - ratio * (numbers[k, 1] if turn == 2 else numbers[k, 2])
                    for q in range(none, width, some):
                        below_on, below_off = four(w, on + q), four(w, off + q)
                        both = plus(below_on, below_off)
                        kept = scaled(times(below_on, four(inverse, here + q)), gain_on)
                        gone = times(below_off, four(lost, m + q))
                        was = scaled(times(both, four(inverse, b + q)), gain)
                        put(sums, to, plus(four(sums, to), minus(minus(kept, gone), was)))
                        put(w, here + q, both)
                else:
                    for q in range(none, width, some):
                        put(w, here + q, plus(four(w, lt + q), four(w, rt + q)))


# What follows is asked millions of times. It takes arrays, never a tuple of them: to hand such a tuple over, Numba counts a
# reference to each of its arrays, which costs more than the work itself.


@compiled
def decide(
    z: Floats, n: int, first: int, count: int, line: NDArray[np.int32], threshold: Floats, missing_left: NDArray[np.bool_],
    category: NDArray[np.bool_], first_word: Ints, words: Ints, goes: Bytes,
) -> None:  # fmt: skip
    """Write 1 where a row goes left at a split of a tree, else 0."""
    for s in range(count):
        k = first + s
        asked = line[k]
        if category[k]:
            for r in range(n):
                goes[s, r] = in_words(z[asked, r], words, first_word[k], first_word[k + 1])
        else:
            most, missing = threshold[k], missing_left[k]
            for r in range(n):
                v = z[asked, r]
                goes[s, r] = (v <= most) | ((v != v) & missing)


@compiled
def in_words(v: float, words: Ints, first: int, end: int) -> bool:
    """Tell whether a category's code, any fraction cut off, is among those in ``words[first:end]``."""
    known = (v > -1.0) & (v < 2147483648.0)
    code = int(v if known else 0.0)
    at = first + (code >> 5)
    known &= at < end
    return bool(known & (((words[at if known else first] >> (code & 31)) & 1) == 1))


@compiled
def lay_out(x: Floats, start: int, n: int, tiny: float, z: Floats) -> None:
    """Lay rows out in lines, a line a column, values near zero made zero; if asked, once more with zeros missing."""
    columns = x.shape[1]
    for r in range(n):
        for column in range(columns):
            v = x[start + r, column]
            z[column, r] = 0.0 if -tiny <= v <= tiny else v
    for extra in range(columns, z.shape[0]):
        for r in range(n):
            v = z[extra - columns, r]
            z[extra, r] = np.nan if v == 0.0 else v


@compiled
def place_of_bit(word: int) -> int:
    """Return the place of the only bit that is set."""
    place = 0
    for step in (32, 16, 8, 4, 2, 1):
        high = word >> step
        place += step if high != 0 else 0
        word = high if high != 0 else word
    return place


# Four numbers at a time, one instruction each; the compiler sees to that.


@compiled
def four(a: Floats, i: np.uint64) -> Four:
    """Read four numbers."""
    return a[i], a[i + np.uint64(1)], a[i + np.uint64(2)], a[i + np.uint64(3)]


@compiled
def put(a: Floats, i: np.uint64, v: Four) -> None:
    """Write four numbers."""
    a[i], a[i + np.uint64(1)], a[i + np.uint64(2)], a[i + np.uint64(3)] = v


@compiled
def plus(a: Four, b: Four) -> Four:
    """Return sums."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]


@compiled
def minus(a: Four, b: Four) -> Four:
    """Return differences."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]


@compiled
def times(a: Four, b: Four) -> Four:
    """Return products."""
    return a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]


@compiled
def scaled(a: Four, by: float) -> Four:
    """Return multiples."""
    return a[0] * by, a[1] * by, a[2] * by, a[3] * by


@compiled
def inverses(a: Four) -> Four:
    """Return one divided by each."""
    return 1.0 / a[0], 1.0 / a[1], 1.0 / a[2], 1.0 / a[3]
