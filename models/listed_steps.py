"""What to do next for each lead of a list, from the files: the play of which the model expects most, as the server ranks them.

Who was contacted lately is not on a list, and a list is as long as its user's week, so neither stands in the way here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from features.history import Plan
from features.matrix import compute_one
from features.table_leads import live_lead
from features.workspace import Workspace
from models.hold_out import is_held_out
from models.next_step import candidates, ranked
from models.playbook import Play, playbook
from models.population import Population
from models.scorer import Scorer
from models.what_if import imagine


def next_plays(ws: Workspace, scorer: Scorer, who: Population, records: Iterable[Mapping[str, Any]]) -> Iterator[Play | None]:
    """Yield for each lead its next play, or None where no play brings anything; `records` are their scores, in the same order.

    A table without dates has no steps that are still to be taken, and so no plays.
    """
    plays, features = playbook(ws), scorer.feature_set
    plan = Plan(features.definition)
    for place, as_of, record in zip(who.lead.tolist(), who.as_of.tolist(), records, strict=True):
        if features.definition.undated:
            yield None
            continue
        lead = live_lead(who.tables, place, as_of, with_mates=features.over_mates)
        matrix = compute_one(features, plan, lead, as_of)
        values = {**{name: value for name, (value, _) in lead.attributes.items()}, **matrix.row(0)}
        allowed = [play for play in plays if not is_held_out(ws.hold_out, ws.name, lead.lead_id, play.name)]
        found = candidates(allowed, lead, matrix, record["stage"], values, as_of)
        imagined = [compute_one(features, plan, imagine(lead, as_of, one.hypothesis), as_of).values for one in found]
        rows = np.vstack(imagined) if imagined else matrix.values
        steps = ranked(scorer, found, matrix, rows, record["probability"], ws.capacity)
        yield next((step.candidate.play for step in steps if step.is_gain), None)
