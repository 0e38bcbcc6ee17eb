"""Which tables hold anything of a lead, and in which columns its ids stand: what forgetting empties and an export reads.

A table that stands in neither list fails a test, so that nobody adds one that would outlive its leads.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, ColumnElement, Connection, Table, bindparam, or_, select

from features.storing import latest_score_table, loaded_table, offer_table, pushed_table, schema, watch_tables
from features.storing.links import links_from, links_into

HOLDINGS: dict[Table, tuple[str, ...]] = {
    schema.lead: ("lead_id",),  # first: the watch holds this row while it writes the others
    schema.event: ("lead_id",),
    schema.attribute: ("lead_id",),
    schema.membership: ("lead_id",),
    schema.identity_link: ("from_id", "to_id"),
    schema.outcome: ("lead_id",),
    schema.contact: ("lead_id",),
    schema.quarantine: ("lead_id",),
    schema.ledger: ("lead_id",),
    watch_tables.lead_state: ("lead_id",),
    watch_tables.transition: ("lead_id",),
    watch_tables.outbox: ("lead_id",),
    pushed_table.pushed: ("lead_id",),
    offer_table.offer: ("lead_id",),
    latest_score_table.latest_score: ("lead_id",),
}
"""The tables whose rows are about a lead, with the columns that say about which."""

MENTIONS: dict[Table, tuple[str, ...]] = {
    schema.event: ("anonymous_id",),  # of an event of somebody else at the same browser
    schema.quarantine: ("body",),
    watch_tables.watch: ("position",),  # the lead that the pass over all leads has reached
}
"""The columns in which an id may stand in a row that is not about it."""

OTHERS: tuple[Table, ...] = (
    schema.schema_version,
    schema.tombstone,
    schema.tombstone_secret,
    schema.api_key,
    watch_tables.endpoint,
    loaded_table.loaded,
)
"""The tables that hold nothing of any lead; a tombstone holds a keyed digest."""

_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)


def about(table: Table) -> ColumnElement[bool]:
    """Return the condition that a row is about one of the ids given as ``ids``."""
    return or_(*(table.c[name].in_(_IDS) for name in HOLDINGS[table]))


def person_of(connection: Connection, lead_id: str) -> list[str]:
    """Return every id of the lead that an id stands for: what it became in the end, and all that became that; the lead first."""
    onward = links_from(connection, [lead_id])
    lead = _end({one: link.to_id for one, link in onward.items()}, lead_id)
    way = {one: link.to_id for one, link in links_into(connection, [lead]).items()}
    return [lead, *sorted(one for one in way if _end(way, one) == lead and one != lead)]


def is_known(connection: Connection, ids: Sequence[str]) -> bool:
    """Tell whether any table holds anything about some ids."""
    given = {"ids": list(ids)}
    return any(connection.execute(select(1).select_from(table).where(about(table)).limit(1), given).first() for table in HOLDINGS)


def _end(way: dict[str, str], one: str) -> str:
    while one in way:
        one = way[one]
    return one
