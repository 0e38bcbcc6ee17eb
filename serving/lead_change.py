"""Why a stored lead's score is another one than before: the looks of both models, and the answer made of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from features.clock import format_us
from features.store import EventStore
from features.storing.rows import StoredLead
from models.answer import Asked, states_of
from models.change_phrasing import closed, from_to
from models.change_reasons import change_record
from models.changes import Looks
from serving.live_lead import Standing
from serving.one_lead import look, standing_of, with_account
from serving.past_models import Then
from serving.problems import Problem
from serving.proving import Loaded
from serving.scoring import Record, score_matrix

ONE_LOOK = ("as_of", "probability", "grade", "percentile", "stage", "base", "model")
NO_LEAD_THEN = "As of that instant this was no lead of its own; leave since out to begin where its trial began."


class Seen(NamedTuple):
    """One stored lead through one model, then and now."""

    looks: Looks
    then: Standing
    now: Standing


def begun(stored: StoredLead, standing: Standing, loaded: Loaded, as_of: int) -> int:
    """Return the first instant at which somebody who became a lead was one, as far as it can be told."""
    for instant in (standing.lead.started_at, max(standing.lead.started_at, stored.known_at)):
        if instant <= as_of and loaded.view.standing(stored, instant) is not None:
            return instant
    raise Problem("invalid_since", "When this became a lead cannot be told; say since.")


def seen_by(loaded: Loaded, store: EventStore, stored: StoredLead, since: int, as_of: int) -> Seen:
    """Return a lead as one model saw it then, the same knowledge looked at now, and as it sees it now."""
    view = loaded.view
    then, now = view.standing(stored, since), standing_of(stored, view, as_of)
    if then is None:
        raise Problem("invalid_since", NO_LEAD_THEN)
    known_then, known_now = with_account(then, view, store, since), with_account(now, view, store, as_of)
    looks = Looks(loaded.scorer, look(view, known_then, since), look(view, known_then, as_of), look(view, known_now, as_of))
    return Seen(looks, then, now)


def change_of(
    current: Loaded, earlier: Then, store: EventStore, stored: StoredLead, since: int, as_of: int, asked: Asked
) -> tuple[Record, Record]:
    """Return why a lead's score as of an instant differs from that of an earlier one, and the score itself.

    The reasons of `asked` are those of each part; the score has none.
    """
    new = seen_by(current, store, stored, since, as_of)
    same = earlier.loaded.ref == current.ref
    old = new if same else seen_by(earlier.loaded, store, stored, since, as_of)
    then = _score(earlier.loaded, old.looks.then, old.then, asked)
    now = _score(current, new.looks.now, new.now, asked)
    answer: Record = {
        "lead_id": stored.lead_id,
        "since": format_us(since),
        "as_of": format_us(as_of),
        "then": {name: then[name] for name in ONE_LOOK},
        "now": {name: now[name] for name in ONE_LOOK},
        "model_then_by": earlier.by,
        "text": closed(asked.phrasing.language),
        "difference": None,
        "reasons": [],
        "rest": None,
        "parts": None,
        "warnings": [*now["warnings"], *_warned(earlier, asked)],
    }
    if then["probability"] is not None and now["probability"] is not None:
        log_odds = _log_odds(new.looks, new.looks.now) - _log_odds(old.looks, old.looks.then)
        answer |= {
            "text": from_to(asked.phrasing.language, "whole", then["probability"], now["probability"]),
            "difference": {"points": now["probability"] - then["probability"], "log_odds": log_odds},
            **change_record(old.looks, new.looks, asked.phrasing, asked.reasons),
        }
    return answer, now


def _score(loaded: Loaded, matrix: Any, standing: Standing, asked: Asked) -> Record:
    """Return a score without reasons, by the version that gives it."""
    by_version = Asked(
        name=loaded.ref.name,
        version=loaded.ref.version,
        phrasing=asked.phrasing,
        stages=asked.stages,
        warnings=asked.warnings,
    )
    states = states_of(np.array([standing.converted_at is not None]), np.array([standing.ended]))
    started = np.array([standing.lead.started_at], dtype=np.int64)
    return score_matrix(loaded, matrix, [standing.lead.lead_id], by_version, started=started, states=states)[0]


def _log_odds(looks: Looks, matrix: Any) -> float:
    scorer = looks.scorer
    return float(scorer.calibrator.log_odds(scorer.raw(scorer.select(matrix.features.names, matrix.values)))[0])


def _warned(earlier: Then, asked: Asked) -> list[dict[str, str]]:
    if earlier.warning is None:
        return []
    code, slots = earlier.warning
    return [{"code": code, "detail": asked.phrasing.warning(code, **slots)}]
