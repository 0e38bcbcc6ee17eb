"""Every format that was ever written is still read, and gives the scores it gave; a saved model is the model, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.artifact import FORMAT, folder_digest, load, save
from models.columns import ColumnSpec
from models.scorer import Scorer
from tests.models.conftest import KINDS

RELEASES = Path(__file__).parent / "releases"
DIGESTS = {"1": "73d4c681f2ef98746c34b8bf13ebdb0392bca829fb949b6be981039ca42b5ee4"}
"""The folders as they were written: by format, the digest that they must have for ever."""
ROWS = 10_000


def strange_rows(columns: tuple[ColumnSpec, ...]) -> NDArray[np.float64]:
    """Return rows inside, on and outside the limits of training, with what is missing and what is no number at all."""
    draw = np.random.default_rng(17)
    rows = np.empty((ROWS, len(columns)))
    for j, column in enumerate(columns):
        span = column.upper - column.lower
        rows[:, j] = column.lower - 0.2 * span + 1.4 * span * draw.random(ROWS) ** 2
        if column.kind == "category":
            rows[:, j] = np.floor(draw.random(ROWS) * (column.size + 3)) - 1
        for value, share in ((np.nan, 0.15), (0.0, 0.1), (np.inf, 0.01), (-np.inf, 0.01), (1e18, 0.01)):
            rows[draw.random(ROWS) < share, j] = value
    return rows


@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_rows_score_alike_before_and_after_saving(kind: str, scorers: dict[str, Scorer], tmp_path: Path) -> None:
    scorer = scorers[kind]
    save(scorer, tmp_path / "model")
    again, rows = load(tmp_path / "model"), strange_rows(scorer.columns)
    assert again.raw(rows).tobytes() == scorer.raw(rows).tobytes()
    assert again.probability(rows).tobytes() == scorer.probability(rows).tobytes()


def test_every_format_has_a_folder() -> None:
    assert set(DIGESTS) == {path.name for path in RELEASES.iterdir()} == {str(number + 1) for number in range(FORMAT)}


@pytest.mark.parametrize("release", DIGESTS)
def test_a_folder_of_a_past_release_gives_its_scores_again(release: str) -> None:
    assert folder_digest(RELEASES / release) == DIGESTS[release]
    assert load(RELEASES / release, digest=DIGESTS[release])
