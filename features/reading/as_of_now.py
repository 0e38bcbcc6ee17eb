"""As of now: data may speak of the future, and then they are read again as they are known today."""

from __future__ import annotations

from features.clock import now_us
from features.definition import Definition
from features.tables import Tables, read_tables
from features.workspace import Workspace


def read_as_of_now(ws: Workspace, definition: Definition | None = None, *, cut: int | None = None) -> tuple[Tables, int | None]:
    """Read the tables as they were known at `cut`, without one as of now; return them with the cut that was made.

    None as the cut means that there was nothing to cut away: the present is the newest time in the data. That is the rule of
    `--as-of`: now, but never later than the newest known time. With a table without dates there is no present.
    """
    tables = read_tables(ws, definition, cut=cut)
    now = now_us()
    if cut is not None or tables.newest <= now:
        return tables, cut
    return read_tables(ws, definition, cut=now), now
