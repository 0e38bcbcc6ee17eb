"""Told: what a worker has to say beside its rows. Accounts are added up; a mistake in the data stops everything."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from features.errors import InputError, OutsideError, StoppedError, TrialwiseError

_ERRORS = {kind.__name__: kind for kind in (InputError, StoppedError, OutsideError)}


@dataclass(slots=True)
class Told:
    """One account.

    >>> sum_of([Told(Counter(read=2)).packed(), Told(Counter(read=3), newest=7).packed()])
    Told(counts=Counter({'read': 5}), refused=Counter(), mixed=set(), newest=7, error=None)
    """

    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Rows that were refused, by reason."""
    mixed: set[str] = field(default_factory=set)
    """Properties that are texts or truth values somewhere."""
    newest: int = 0
    """The largest of what only the largest counts of."""
    error: TrialwiseError | None = None

    def packed(self) -> bytes:
        """Write it as JSON."""
        error = None if self.error is None else [type(self.error).__name__, self.error.as_dict()]
        return json.dumps([self.counts, self.refused, sorted(self.mixed), self.newest, error]).encode()


def sum_of(accounts: Iterable[bytes]) -> Told:
    """Add accounts up; raise the mistake that any of them tells of."""
    total = Told()
    for account in accounts:
        counts, refused, mixed, newest, error = json.loads(account)
        if error is not None:
            kind, said = error
            raise _ERRORS.get(kind, InputError)(**said)
        total.counts.update(counts)
        total.refused.update(refused)
        total.mixed.update(mixed)
        total.newest = max(total.newest, newest)
    return total


def stop_if_all_refused(table: str, read: int, refused: Counter[str]) -> None:
    """Raise when there were rows and none of them could be used.

    >>> stop_if_all_refused("events", 2, Counter(missing_time=2))
    Traceback (most recent call last):
    features.errors.InputError: every row of data.events is refused: given missing time in 2 of 2 rows; expected rows that can \
be used; check which columns data.events names.
    """
    if not read or refused.total() < read:
        return
    reason, count = refused.most_common(1)[0]
    raise InputError(
        f"every row of data.{table} is refused",
        given=f"{reason.replace('_', ' ')} in {count} of {read} rows",
        expected="rows that can be used",
        do=f"check which columns data.{table} names",
    )
