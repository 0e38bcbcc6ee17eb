"""The latest score of each live lead, as the watch saw it: among these one lead's score has its place.

Live is who can still pay. Whoever pays, ends, is merged away or is forgotten has no row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from sqlalchemy import Connection, delete, select

from features.storing.engine import insert_into
from features.storing.latest_score_table import latest_score
from features.storing.lead_states import held

Transaction = Callable[[], AbstractContextManager[Connection]]


class LatestScores:
    """The scores of the leads that are live now."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def of_model(self, digest: str) -> list[float]:
        """Return the latest probabilities of the live leads, as far as one model has scored them."""
        query = select(latest_score.c.probability).where(latest_score.c.model_digest == digest)
        with self._reading() as connection:
            return list(connection.execute(query).scalars())

    def write(self, digest: str, at: int, scores: Mapping[str, float | None]) -> None:
        """Write some leads' probabilities; None removes a lead that is not live. Who was forgotten meanwhile gets none."""
        gone = [one for one, probability in scores.items() if probability is None]
        if not scores:
            return
        with self._writing() as connection:
            there = held(connection, [one for one, probability in scores.items() if probability is not None])
            rows = [{"lead_id": one, "probability": scores[one], "model_digest": digest, "at": at} for one in sorted(there)]
            if gone:
                connection.execute(delete(latest_score).where(latest_score.c.lead_id.in_(gone)))
            if rows:
                statement = insert_into(connection, latest_score)
                newer = {name: statement.excluded[name] for name in ("probability", "model_digest", "at")}
                connection.execute(statement.on_conflict_do_update(index_elements=["lead_id"], set_=newer), rows)
