from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features import kernel
from features.catalog import feature_set
from features.feature import HAS_END, ONE, Quotient
from features.history import Plan
from features.layout import TRACK, program
from tests.features.worlds import definition

DEFINITION = definition(every_family=False)
FEATURES = feature_set(DEFINITION)


def test_only_what_is_needed_has_cells():
    plan = Plan(DEFINITION)
    one = program([FEATURES["sales_recency_h"]], plan, 30)
    tracks = {name for name, track in TRACK.items() if (one.layout.tracks[:, track] >= 0).any()}
    assert tracks == {"has", "last", "first"}
    assert one.layout.cells == len(one.given) + 3
    assert len(one.layout.running) == 0


def test_cells_of_tracks_do_not_overlap():
    layout = FEATURES.program.layout
    taken = np.zeros(layout.cells, dtype=int)
    taken[: len(FEATURES.program.given)] += 1
    for (_, track), first in np.ndenumerate(layout.tracks):
        if first >= 0:
            width = len(layout.windows) if track < kernel.FIRST_SINGLE else 1
            taken[first : first + width] += 1
    assert (taken == 1).all()


def test_windows_ascend_and_end_with_everything():
    windows = FEATURES.program.layout.windows
    assert (np.diff(windows) > 0).all()
    assert windows[-1] == 2**62


def test_every_track_is_one_of_the_kernel():
    assert sorted(TRACK.values()) == list(range(kernel.TRACKS))


def test_given_numbers_come_first():
    assert FEATURES.program.given[0] == ONE
    assert HAS_END in FEATURES.program.given


def test_a_factor_that_is_not_safe_in_64_bits_is_refused():
    feature = FEATURES["any_count_all"]
    quotient = feature.quotient
    unsafe = replace(feature, quotient=Quotient((2**50, ONE), quotient.below, quotient.also, 0.0, 1.0))
    with pytest.raises(ValueError, match="not safe in 64 bits"):
        program([unsafe], Plan(DEFINITION), 30)
