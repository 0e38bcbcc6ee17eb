"""Which looks exist, what their outcome is, and what a look weighs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.clock import DAY_US, NEVER
from features.tables import Leads
from training.rows import LabelRule, clusters_of, rows_at, undated_rows

RULE = LabelRule.of(horizon_days=10, gap_hours=0, day_resolution=False)


def made_leads(
    started: Sequence[float],
    *,
    converted: Sequence[float | None] | None = None,
    ended: Sequence[float | None] | None = None,
    account: Sequence[str | None] | None = None,
    ignored: Sequence[bool] | None = None,
    flag: Sequence[int] | None = None,
) -> Leads:
    """Return leads with times in days."""
    n = len(started)

    def times(days: Sequence[float | None] | None) -> np.ndarray:
        return np.array([NEVER if day is None else round(day * DAY_US) for day in (days or [None] * n)], dtype=np.int64)

    return Leads(
        ids=[f"lead{i:03d}" for i in range(n)],
        started_at=times(started),
        ended_at=times(ended),
        trial_ends_at=times(None),
        converted_at=times(converted),
        conversion_known=times(converted),
        account=np.array(account or [None] * n, dtype=object),
        account_known=np.where([one is None for one in account or [None] * n], NEVER, times(started)),
        attributes={},
        traits={},
        contact={},
        ignored=np.array(ignored or [False] * n),
        converted_flag=np.array(flag or [-1] * n, dtype=np.int8),
    )


def ages(n: int, *days: float) -> np.ndarray:
    return np.tile(np.array([round(day * DAY_US) for day in days], dtype=np.int64), (n, 1))


def looks(leads: Leads, *days: float, now: float, rule: LabelRule = RULE) -> tuple[list[tuple[int, int, int]], dict[str, int]]:
    rows, dropped = rows_at(leads, ages(len(leads.ids), *days), rule, now=round(now * DAY_US))
    return list(zip(rows.lead.tolist(), rows.look.tolist(), rows.outcome.tolist(), strict=True)), dropped


def test_a_conversion_at_the_look_closes_it_and_at_the_end_of_the_horizon_counts() -> None:
    leads = made_leads([0, 0, 0, 0], converted=[3, 3.001, 13, 13.001])
    assert looks(leads, 3, now=100) == ([(1, 0, 1), (2, 0, 1), (3, 0, 0)], {"converted": 1})


def test_the_gap_hides_what_comes_at_once() -> None:
    rule = LabelRule.of(horizon_days=10, gap_hours=24, day_resolution=False)
    leads = made_leads([0, 0, 0], converted=[3.5, 4, 4.001])
    assert looks(leads, 3, now=100, rule=rule)[0] == [(0, 0, 0), (1, 0, 0), (2, 0, 1)]


def test_maturity_is_judged_by_the_calendar_alone() -> None:
    # Both looked at on day 3; a horizon of 10 is over on day 13. The early conversion matures nothing.
    leads = made_leads([0, 0], converted=[4, None])
    assert looks(leads, 3, now=12.999) == ([], {"not_mature": 2})
    assert looks(leads, 3, now=13)[0] == [(0, 0, 1), (1, 0, 0)]


def test_conversions_by_day_are_known_a_day_later() -> None:
    rule = LabelRule.of(horizon_days=10, gap_hours=0, day_resolution=True)
    leads = made_leads([0], converted=[4])
    assert looks(leads, 3, now=13.9, rule=rule)[0] == []
    assert looks(leads, 3, now=14, rule=rule)[0] == [(0, 0, 1)]


def test_every_dropped_look_has_one_reason() -> None:
    leads = made_leads([0, 0, 0, 90, None, 0], converted=[2, None, None, None, None, 1], ended=[None, 3, None, None, None, 1],
                       ignored=[False, False, True, False, False, False])  # fmt: skip
    found, dropped = looks(leads, 1, 3, now=100)
    assert dropped == {"ignored": 2, "not_started": 2, "not_mature": 2, "converted": 3, "ended": 1}
    assert len(found) + sum(dropped.values()) == 12


def test_the_window_of_starts_is_half_open() -> None:
    leads = made_leads([1, 2, 3])
    rows, dropped = rows_at(leads, ages(3, 1), RULE, now=100 * DAY_US, started_from=2 * DAY_US, started_before=3 * DAY_US)
    assert rows.lead.tolist() == [1]
    assert dropped == {"outside_window": 2}


def test_weights_do_not_depend_on_the_outcome() -> None:
    # Three looks each, all mature: one lead pays after the first, one never does.
    leads = made_leads([0, 0], converted=[2, None])
    rows, _ = rows_at(leads, ages(2, 1, 3, 7), RULE, now=100 * DAY_US)
    assert rows.weight.tolist() == pytest.approx([1 / 3] * 4)
    # Half mature: the looks that are share the lead's weight.
    rows, _ = rows_at(leads, ages(2, 1, 3, 7), RULE, now=13 * DAY_US)
    assert rows.weight.tolist() == pytest.approx([1 / 2] * 3)


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.none() | st.integers(0, 60), st.none() | st.integers(0, 60)), min_size=1, max_size=12
    ),
    st.integers(0, 80),
)
def test_rows_as_defined(rows: list[tuple[int, int | None, int | None]], now: int) -> None:
    """Compare with the sentence of the design, lead by lead and look by look."""
    started, converted, ended = (list(column) for column in zip(*rows, strict=True))
    leads = made_leads(started, converted=converted, ended=ended)
    wanted = []
    for lead, (start, paid, end) in enumerate(rows):
        for look, age in enumerate((1, 5)):
            at = start + age
            open_then = (paid is None or paid > at) and (end is None or end > at)
            if open_then and at + 10 <= now:
                wanted.append((lead, look, int(paid is not None and at < paid <= at + 10)))
    assert looks(leads, 1, 5, now=now)[0] == wanted


def test_later_outcomes_change_nothing() -> None:
    """A conversion after the horizon of the last mature look, or none at all, gives the same rows."""
    never, later = made_leads([0, 5]), made_leads([0, 5], converted=[30, 31])
    for leads in (never, later):
        rows, _ = rows_at(leads, ages(2, 1, 3), RULE, now=20 * DAY_US)
        assert rows.outcome.tolist() == [0, 0, 0, 0]


def test_clusters_are_accounts_and_lone_leads() -> None:
    assert clusters_of([None, "a", None, "a"]).tolist() == [0, 1, 2, 1]


def test_undated_rows_are_the_leads_with_an_outcome() -> None:
    leads = made_leads([None] * 4, flag=[1, 0, -1, 1], ignored=[False, False, False, True])
    rows, dropped = undated_rows(leads)
    assert rows.lead.tolist() == [0, 1]
    assert rows.outcome.tolist() == [1, 0]
    assert dropped == {"ignored": 1, "outcome_unknown": 1}
