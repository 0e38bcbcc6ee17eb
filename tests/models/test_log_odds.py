"""There and back between probabilities and log-odds, and no overflow at the ends."""

from __future__ import annotations

import warnings

import numpy as np

from models.log_odds import NEAREST, log_odds, sigmoid


def test_there_and_back() -> None:
    z = np.linspace(-20.0, 20.0, 401)
    np.testing.assert_allclose(log_odds(sigmoid(z)), z, rtol=1e-6)
    p = np.linspace(0.001, 0.999, 97)
    np.testing.assert_allclose(sigmoid(log_odds(p)), p, rtol=1e-12)


def test_rising_and_symmetric() -> None:
    z = np.linspace(-30.0, 30.0, 601)
    assert (np.diff(sigmoid(z)) > 0).sum() > 590
    np.testing.assert_allclose(sigmoid(z) + sigmoid(-z), 1.0, atol=1e-15)


def test_the_ends_are_finite_and_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sigmoid(np.array([-np.inf, -1e300, 1e300, np.inf])).tolist()[2:] == [1.0, 1.0]
        ends = log_odds(np.array([0.0, 1.0]))
    assert np.isfinite(ends).all()
    assert -ends[0] == -log_odds(np.array([NEAREST]))[0]
    assert np.isnan(sigmoid(np.array([np.nan]))[0])
