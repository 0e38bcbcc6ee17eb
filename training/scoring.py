"""What a model that is given answers for looks at leads: the one way in which the gate, `evaluate` and `compare` ask models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import NEVER
from features.matrix import compute_in_pieces
from features.reading.moments import parse_moment
from features.tables import Tables
from models.scorer import Scorer
from training.metrics import Floats


def probabilities(scorer: Scorer, tables: Tables, lead: NDArray[np.int64], as_of: NDArray[np.int64]) -> Floats:
    """Return a model's probabilities for leads of tables that were read for it, each at its own instant."""
    features = scorer.feature_set
    pieces = compute_in_pieces(features, tables, lead, as_of)
    found = [scorer.probability(scorer.select(features.names, piece.values)) for piece in pieces]
    return np.concatenate(found) if found else np.empty(0)


def trained_at(facts: Mapping[str, Any]) -> int:
    """Return the instant after which leads are new to a model, in microseconds; NEVER for one that learnt without dates."""
    as_of = facts.get("as_of")
    return parse_moment(as_of) if isinstance(as_of, str) and as_of else NEVER
