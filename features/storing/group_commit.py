"""Group commit: what several threads store at the same moment shares one transaction, and so one wait for the disk.

There is no thread for it and nobody waits for company. Whoever finds no transaction running writes all that waits by then, its
own with it; meanwhile the others queue. Each is answered with what became of its own, and only once that is committed.

The items of a group are of one kind and are written by one call, sorted by their ids as those of one request would be. So two
processes that write the same ids still wait for each other instead of locking each other out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from sqlalchemy import Connection

from features.failpoints import failpoint
from features.storing import writes
from features.storing.engine import StoreUnavailable, unavailable
from features.storing.rows import Refused, Told

T = TypeVar("T")

MOST_ITEMS = 2_000
"""A group takes no further member once it holds so many items, so that nobody waits long for the others."""


@dataclass(eq=False, slots=True)
class Member(Generic[T]):
    """What one thread stores, and what became of it."""

    items: Sequence[T]
    refused: Sequence[Refused]
    told: list[Told] = field(default_factory=list)
    trouble: BaseException | None = None
    done: bool = False


class GroupCommit(Generic[T]):
    """One door of the store at which threads that arrive together are served together.

    Parameters
    ----------
    writing
        Opens a transaction that commits at its end.
    write
        Stores items within it and says what became of each.
    wait
        How many seconds a thread waits for its turn before the store counts as unavailable.
    """

    def __init__(
        self,
        writing: Callable[[], AbstractContextManager[Connection]],
        write: Callable[[Connection, Sequence[T]], list[Told]],
        *,
        wait: float,
    ) -> None:
        self._writing = writing
        self._write = write
        self._wait = wait
        self._waiting: deque[Member[T]] = deque()
        self._is_writing = False
        self._changed = threading.Condition()

    def add(self, items: Sequence[T], refused: Sequence[Refused]) -> list[Told]:
        """Store items, and beside them what had to be refused; return what became of each once it is committed."""
        member = Member(items, refused)
        with self._changed:
            self._waiting.append(member)
        while not member.done:
            group = self._lead(member)
            if group:
                self._commit(group)
        if isinstance(member.trouble, StoreUnavailable):  # one for each thread: raising writes into an exception
            raise unavailable(member.trouble.__cause__) from member.trouble.__cause__
        if member.trouble is not None:
            raise member.trouble
        return member.told

    def _lead(self, member: Member[T]) -> list[Member[T]]:
        """Wait until a member is served or may write; return the group that it then has to write."""
        with self._changed:
            if not self._changed.wait_for(lambda: member.done or not self._is_writing, self._wait) and member in self._waiting:
                self._waiting.remove(member)
                raise unavailable(None)
            if member.done:
                return []
            if self._is_writing:  # its group is being written: whether it will be there only the end can tell
                self._changed.wait_for(lambda: member.done)
                return []
            self._is_writing = True
            group = [self._waiting.popleft()]
            size = len(group[0].items)
            while self._waiting and size + len(self._waiting[0].items) <= MOST_ITEMS:
                group.append(self._waiting.popleft())
                size += len(group[-1].items)
            return group

    def _commit(self, group: list[Member[T]]) -> None:
        """Write a group, and let go of everybody whose lot is known."""
        trouble: BaseException | None = None
        try:
            trouble = self._try(group)
        except BaseException as stopped:
            trouble = unavailable(None)
            raise stopped
        finally:
            with self._changed:
                if isinstance(trouble, StoreUnavailable):  # those who came meanwhile have waited as long already
                    group = [*group, *self._waiting]
                    self._waiting.clear()
                for member in group:
                    if trouble is not None and not member.done and member.trouble is None:
                        member.trouble = trouble
                    member.done = True
                self._is_writing = False
                self._changed.notify_all()

    def _try(self, group: list[Member[T]]) -> StoreUnavailable | None:
        """Write a group in one transaction, and where that fails for a reason of its own each member alone."""
        try:
            self._together(group)
        except StoreUnavailable as trouble:
            return trouble
        except Exception as trouble:
            if len(group) == 1:
                group[0].trouble = trouble
                return None
            return self._alone(group)
        return None

    def _alone(self, group: list[Member[T]]) -> StoreUnavailable | None:
        for member in group:
            try:
                self._together([member])
            except StoreUnavailable as trouble:
                return trouble
            except Exception as trouble:
                member.trouble = trouble
            member.done = True
        return None

    def _together(self, group: list[Member[T]]) -> None:
        with self._writing() as connection:
            told = self._write(connection, [item for member in group for item in member.items])
            writes.write_refused(connection, [one for member in group for one in member.refused])
            failpoint("store.before_commit")
        failpoint("store.after_commit")
        answers = iter(told)
        for member in group:
            member.told = list(islice(answers, len(member.items)))
