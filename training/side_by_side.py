"""Several folds at once, a thread for each: with equal results on any number of cores.

A fold is worked on by its own thread from beginning to end, so sums keep their order, and LightGBM, which keeps how much it
prints by thread, stays silent. What is slow in it (LightGBM, BLAS, Numba) lets the other threads run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class SideBySide(ExitStack):
    """So many threads, one for each item of the lists to come.

    >>> with SideBySide(2) as threads:
    ...     threads.each(len, ["one", "three"])
    [3, 5]
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self._threads = [ThreadPoolExecutor(1) for _ in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            self.enter_context(thread)
        return super().__enter__()

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return the result for each item, in their order."""
        begun = [thread.submit(work, item) for thread, item in zip(self._threads, items, strict=True)]
        return [one.result() for one in begun]
