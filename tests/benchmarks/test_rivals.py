"""A ratio means something only if both sides do the same: every rival's matrix is ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import ours, with_duckdb, with_pandas, with_polars
from tests.benchmarks.world import columns, make


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    make(folder, 6_000)
    return folder


@pytest.fixture(scope="module")
def expected(world: Path) -> np.ndarray:
    found = ours.matrix(world)
    assert found.shape == (160, len(columns()))
    assert len(columns()) >= 60
    assert np.isnan(found).any(axis=0).any()
    assert (np.nanstd(found, axis=0) > 0).all()
    return found


@pytest.mark.parametrize("two_steps", [True, False])
def test_duckdb_gives_the_same_bits(world: Path, expected: np.ndarray, two_steps: bool) -> None:
    np.testing.assert_array_equal(with_duckdb.matrix(world, two_steps=two_steps), expected)


def test_pandas_gives_the_same_bits(world: Path, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(with_pandas.matrix(world), expected)


def test_polars_gives_the_same_but_for_its_divisions(world: Path, expected: np.ndarray) -> None:
    """Polars divides by a constant as it multiplies by its inverse, so that a last bit may differ."""
    found = with_polars.matrix(world)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=0)
    whole = [place for place, (_, family, _) in enumerate(columns().values()) if family in ("count", "active_days")]
    np.testing.assert_array_equal(found[:, whole], expected[:, whole])
