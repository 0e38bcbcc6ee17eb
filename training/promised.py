"""What was promised: the scores of a file of ``trialwise score --out``, or of the server's ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US
from features.errors import InputError
from features.reading.cells import read_numbers, read_words
from features.reading.moments import READ, read_moments
from features.reading.sources import Reading, open_file
from features.store import EventStore
from features.storing.answered import read_answers
from features.storing.engine import configured_url, parse_url

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEDGER = "the ledger"


@dataclass(frozen=True, slots=True)
class Promised:
    """Probabilities by row, each given to a lead as of an instant."""

    origin: str
    lead: list[str]
    as_of: Ints
    probability: Floats
    version: list[str]
    """The version that gave each, empty where nobody wrote it down."""

    def take(self, rows: Ints) -> Promised:
        """Return some of the rows."""
        lead, version = ([column[row] for row in rows.tolist()] for column in (self.lead, self.version))
        return Promised(self.origin, lead, self.as_of[rows], self.probability[rows], version)


def promised_in_file(path: Path) -> Promised:
    """Read a file of scores: CSV, JSON lines or Parquet with lead_id, as_of and probability.

    Rows without a probability (customers, leads that ended) promise nothing and are left out.

    Raises
    ------
    InputError
        The file is not there, has other columns, or has scores without an instant.
    """
    if not path.is_file():
        raise InputError("there is no file of scores", given=str(path), expected="what trialwise score --out wrote", do="name it")
    keys = {"lead_id": "scores", "as_of": "scores", "probability": "scores"}
    reading = Reading("scores", [open_file(path)], keys)
    lead: list[str] = []
    as_of: list[Ints] = []
    probability: list[Floats] = []
    for _, piece in reading:
        moments = read_moments(piece.column("as_of"), timezone="UTC", zone=None)
        values, unread = read_numbers(piece.column("probability"))
        kept = ~np.isnan(values)
        if unread or (kept & ((values < 0) | (values > 1) | (moments.state != READ))).any():
            raise InputError(
                "a score cannot be read",
                given=f"in {path.name} a probability outside 0 to 1, or one without an instant",
                expected="lead_id, as_of and probability as trialwise score writes them",
                do="write the file again",
            )
        lead += read_words(piece.column("lead_id")).objects()[kept].tolist()
        as_of.append(moments.us[kept])
        probability.append(values[kept])
    times, values = (np.concatenate([np.zeros(0), *parts]) for parts in (as_of, probability))
    return Promised(path.name, lead, times.astype(np.int64), values, [""] * len(lead))


def promised_by_server(*, since: int, until: int) -> Promised | None:
    """Return what the server's ledger has of that time, the first answer of each lead, model and day; None without a store.

    Who is asked about twice a day is not two leads.
    """
    url = configured_url()
    parsed = parse_url(url)
    if parsed.drivername.startswith("sqlite") and not Path(str(parsed.database)).is_file():
        return None
    first: dict[tuple[str, str, int], Any] = {}
    store = EventStore(url)
    try:
        with store.reading() as connection:
            for one in read_answers(connection, since=since, until=until):
                first.setdefault((one.lead_id, one.model_digest, one.as_of // DAY_US), one)
    finally:
        store.close()
    rows = list(first.values())
    return Promised(
        LEDGER,
        [one.lead_id for one in rows],
        np.array([one.as_of for one in rows], np.int64),
        np.array([one.probability for one in rows], np.float64),
        [one.model_version for one in rows],
    )
