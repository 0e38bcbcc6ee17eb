"""Batches: some rows at a time, and half as many where a CRM will not take so many, down to the one that it will not take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

Refusal = str
"""The code of an answer that refuses a batch as a whole; None where it was taken."""


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield items so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def halving(items: Sequence[T], send: Callable[[Sequence[T]], Refusal | None]) -> list[tuple[T, Refusal]]:
    """Send a batch, and the halves of what is refused as a whole; return the single items that are refused, each with the code.

    >>> halving([1, 2, 3, 4], lambda some: "TOO_MANY" if len(some) > 2 else "BAD" if 3 in some else None)
    [(3, 'BAD')]
    """
    if not items or (refusal := send(items)) is None:
        return []
    if len(items) == 1:
        return [(items[0], refusal)]
    half = len(items) // 2
    return [*halving(items[:half], send), *halving(items[half:], send)]
