from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features import kernel
from features.catalog import feature_set
from features.clock import DAY_US
from features.feature import HAS_END, ONE, Quotient
from features.layout import TRACK, program
from features.plan import Plan
from tests.features.worlds import definition

DEFINITION = definition(every_family=False)
FEATURES = feature_set(DEFINITION)
PLAN = FEATURES.plan
KEYS = [selector.key for selector in PLAN.selectors]


def test_only_what_is_needed_has_cells():
    one = program([FEATURES["sales_recency_h"]], PLAN, 30)
    sales = KEYS.index("sales")
    assert one.layout.whole.tolist() == [
        [sales, TRACK["last"], len(one.given)],
        [sales, TRACK["has"], len(one.given) + 1],
    ]
    assert one.layout.cells == len(one.given) + 2
    assert not one.layout.columns.any()
    assert len(one.layout.window_us) == 0
    assert not one.layout.step.any()
    assert one.layout.room.all()


def test_every_cell_is_written_once():
    layout = FEATURES.program.layout
    written = [*range(len(FEATURES.program.given)), *layout.whole[:, 2], *layout.parts[:, 1]]
    assert sorted(written) == list(range(layout.cells))


def test_windows_stand_by_selector_the_longest_first():
    layout = FEATURES.program.layout
    for selector in range(len(KEYS)):
        mine = slice(layout.window_at[selector], layout.window_at[selector + 1])
        assert (layout.window_selector[mine] == selector).all()
        assert (np.diff(layout.window_us[mine]) < 0).all()
    assert layout.window_at[-1] == len(layout.window_us)
    assert layout.window_us.max() == 14 * DAY_US


def test_rows_of_the_trail_hold_the_time_and_what_is_counted():
    layout = FEATURES.program.layout
    for selector, columns in enumerate(layout.columns):
        used = sorted(columns[columns > 0].tolist())
        assert used == list(range(1, len(used) + 1))
        has_window = layout.window_at[selector] < layout.window_at[selector + 1]
        assert layout.step[selector] == (len(used) + 1 if has_window else 0)
        assert layout.room[selector] == (0 if has_window else len(used) + 1)


def test_every_track_is_one_of_the_kernel():
    assert sorted(TRACK.values()) == list(range(kernel.TRACKS))


def test_given_numbers_come_first():
    assert FEATURES.program.given[0] == ONE
    assert HAS_END in FEATURES.program.given


def test_each_feature_is_in_the_program_of_those_whose_events_it_looks_at():
    both = feature_set(definition(every_family=False, accounts=True))
    columns = {"lead": both.program.quotients.columns, "mates": both.mates_program.quotients.columns}
    for place, feature in enumerate(both.features):
        assert {over for over, found in columns.items() if place in found} == ({feature.over} if feature.quotient else set())
    assert both.over_mates
    assert not FEATURES.over_mates
    assert len(FEATURES.mates_program.quotients.columns) == 0


def test_a_factor_that_is_not_safe_in_64_bits_is_refused():
    feature = FEATURES["any_count_all"]
    quotient = feature.quotient
    unsafe = replace(feature, quotient=Quotient((2**50, ONE), quotient.below, quotient.also, 0.0, 1.0))
    with pytest.raises(ValueError, match="not safe in 64 bits"):
        program([unsafe], Plan(DEFINITION), 30)
