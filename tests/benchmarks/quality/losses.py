"""The loss that rivals find their settings by: weighted as the rows that they learn from, so that each lead counts once."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.quality.entry import Floats, Ints
from training.metrics import log_losses
from training.rows import Rows


def mean_loss(probability: Floats, rows: Rows, positions: Ints) -> float:
    """Return the weighted log-loss of some rows."""
    return float(np.average(log_losses(probability, rows.outcome[positions]), weights=rows.weight[positions]))
