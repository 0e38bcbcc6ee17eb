"""Answer: scores as the records that files and HTTP give, every key always present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, format_us, to_datetime
from features.matrix import FeatureMatrix
from models.doubts import warnings_of
from models.phrasing import Phrasing
from models.reasons import Reasons
from models.scorer import Scorer
from models.stages import CUSTOMER, StageRules, stages, would_stay

Floats = NDArray[np.float64]
Record = dict[str, object]

STAGE_WITHOUT_HISTORY = "stage_without_history"


@dataclass(frozen=True)
class Asked:
    """How answers are wanted: who answers, how many reasons, in whose words, by which rules."""

    name: str = ""
    version: str = ""
    reasons: int | None = 0
    """How many players are listed, the largest first; None lists all of them, so that nothing is left for `rest`."""
    phrasing: Phrasing = field(default_factory=Phrasing)
    stages: StageRules = field(default_factory=StageRules)
    warnings: tuple[tuple[str, str], ...] = ()
    """Code and detail of what is to be said with every score, such as `workspace_differs`."""


def score_records(
    scorer: Scorer,
    matrix: FeatureMatrix,
    lead_ids: Sequence[str],
    asked: Asked,
    *,
    started_at: NDArray[np.int64] | None = None,
    states: Sequence[str | None] | None = None,
    ages: Floats | None = None,
    before: Sequence[str | None] | None = None,
) -> list[Record]:
    """Return one record a row; `lead_ids`, `started_at`, `states`, `ages` and `before` go by row.

    A state (`customer`, or `expired` for a lead that ended) is a stage already settled: its probability is null. `before` is the
    stage that a lead had last; where that is not known and would decide, the record says so. Without
    `started_at` the rows are undated; `ages` (days) then says how old each trial is, NaN where nobody knows.
    """
    x = scorer.select(matrix.features.names, matrix.values)
    reasons = Reasons.of(scorer, matrix, x, asked.reasons, asked.phrasing)
    if started_at is not None:
        ages = (matrix.as_of - started_at) / DAY_US
    elif ages is None:
        ages = np.full(len(matrix), np.nan)
    past = past_trial(scorer, matrix, ages)
    found = stages(
        matrix,
        reasons.probability,
        scorer.reference,
        past,
        states=states,
        before=before,
        rules=asked.stages,
    )
    unsure = would_stay(matrix, reasons.probability, scorer.reference, found, asked.stages)
    warnings = warnings_of(scorer, x, ages, past, asked.phrasing)
    model = {"name": asked.name or scorer.meta.name, "version": asked.version, "fingerprint": scorer.definition.fingerprint}
    records: list[Record] = []
    for row, lead_id in enumerate(lead_ids):
        age, as_of = float(ages[row]), int(matrix.as_of[row])
        record: Record = {
            "lead_id": lead_id,
            "as_of": None if started_at is None else format_us(as_of),
            "probability": None,
            "horizon_days": _whole(scorer.meta.horizon_days),
            "by": None if started_at is None else _by(scorer, as_of),
            "grade": None,
            "percentile": None,
            "percentile_live": None,  # who is live now is not known here
            "stage": found[row],
            "base": scorer.base,
            "reasons": [],
            "rest": {"points": 0.0, "log_odds": 0.0},
            "model": dict(model),
            "features_as_of": None if started_at is None else format_us(int(matrix.features_as_of[row])),
            "warnings": [],
        }
        said = list(asked.warnings)
        if states is None or states[row] is None:
            probability = float(reasons.probability[row])
            percentile = scorer.reference.percentile(probability, age)
            record |= {"probability": probability, "percentile": percentile, "grade": scorer.reference.grade(percentile)}
            record["reasons"], record["rest"] = reasons.of_row(row, age)
            said += warnings[row]
            if unsure[row] and started_at is not None and (before is None or before[row] is None):
                said.append((STAGE_WITHOUT_HISTORY, asked.phrasing.warning(STAGE_WITHOUT_HISTORY)))
        record["warnings"] = [{"code": code, "detail": detail} for code, detail in said]
        records.append(record)
    return records


def past_trial(scorer: Scorer, matrix: FeatureMatrix, ages: Floats) -> NDArray[np.bool_]:
    """Tell whose trial is over: by the end that was known, else by the usual length; never where there is no trial."""
    length = scorer.definition.trial_days
    if length is None:
        return np.zeros(len(matrix), dtype=bool)
    if "trial_left_d" in matrix.features.names:
        return matrix.column("trial_left_d") <= 0
    return ages >= length


def _by(scorer: Scorer, as_of: int) -> str:
    """Return the day by which the horizon has passed, in the workspace's zone."""
    moment = to_datetime(as_of) + timedelta(days=scorer.meta.horizon_days)
    return moment.astimezone(ZoneInfo(scorer.definition.timezone)).date().isoformat()


def _whole(value: float) -> float | int:
    """Return 30 rather than 30.0: what is counted is written as it is said."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def states_of(customer: NDArray[np.bool_], ended: NDArray[np.bool_]) -> list[str | None]:
    """Return the settled stage of each lead: customer, expired when it ended, or None while it is open."""
    return [
        CUSTOMER if paid else "expired" if over else None for paid, over in zip(customer.tolist(), ended.tolist(), strict=True)
    ]
