"""When leads were contacted and with which play; and which plays were proposed to whom, or kept back at random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func, or_, select

from features.storing.engine import insert_into
from features.storing.gate import without_forgotten
from features.storing.offer_table import offer
from features.storing.schema import contact

Transaction = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Offer:
    """A play that was proposed for a lead, or kept from it at random."""

    lead_id: str
    play: str
    salt: str
    at: int
    held_out: bool
    propensity: float
    stage: str
    probability: float
    difference: float
    model_version: str


class Contacted:
    """What sales did, as far as it decides what to do next."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def of(self, lead_ids: Sequence[str], until: int) -> list[tuple[int, str | None]]:
        """Return when a lead, under any of its ids, was contacted and with which play, as known by an instant; newest first."""
        query = select(contact.c.at, contact.c.play).where(contact.c.lead_id.in_(lead_ids), contact.c.known_at <= until)
        with self._reading() as connection:
            return [(row[0], row[1]) for row in connection.execute(query.order_by(contact.c.at.desc(), contact.c.seq.desc()))]

    def count(self, since: int, until: int, *, without: Sequence[str] = ()) -> int:
        """Count the contacts in (since, until], leaving some plays out."""
        one = or_(contact.c.play.is_(None), contact.c.play.not_in(list(without)))
        query = select(func.count()).select_from(contact).where(contact.c.at > since, contact.c.at <= until, one)
        with self._reading() as connection:
            return int(connection.execute(query).scalar_one())

    def note(self, offers: Sequence[Offer]) -> None:
        """Write down proposals, each once, except those for leads that were forgotten."""
        query = select(offer.c.lead_id, offer.c.play, offer.c.salt, offer.c.propensity)
        with self._reading() as connection:  # most have been proposed before, and then nothing is to be written
            known = set(map(tuple, connection.execute(query.where(offer.c.lead_id.in_({one.lead_id for one in offers})))))
        new = [one for one in offers if (one.lead_id, one.play, one.salt, one.propensity) not in known]
        if not new:
            return
        with self._writing() as connection:
            kept = without_forgotten(connection, new, lambda one: (one.lead_id,))
            rows = sorted((asdict(one) for one in kept), key=lambda row: (row["lead_id"], row["play"]))
            if rows:
                once = insert_into(connection, offer).on_conflict_do_nothing(
                    index_elements=["lead_id", "play", "salt", "propensity"]
                )
                connection.execute(once, rows)

    def offers(self, lead_id: str) -> list[Offer]:
        """Return what was proposed for a lead or kept from it, in the order in which that happened first."""
        query = select(*(offer.c[name] for name in Offer.__slots__)).where(offer.c.lead_id == lead_id).order_by(offer.c.seq)
        with self._reading() as connection:
            return [Offer(**row._mapping) for row in connection.execute(query)]
