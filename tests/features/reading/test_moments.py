from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.clock import DAY_US, from_datetime
from features.reading import moments
from features.reading.moments import TimeError, day_begin, day_end, effective_event, local_date, parse_moment, read_moments

NINE = 1_778_144_400_000_000  # 2026-05-07T09:00:00Z
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "America/Sao_Paulo", "Etc/GMT-3"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-07T09:00:00Z",
        "2026-05-07 09:00:00 UTC",
        "2026-05-07T09:00:00z",
        "2026-05-07t11:00+02:00",
        "2026-05-07T09:00:00.0000009Z",
        "2026-05-07T10:00:00+01",
        " 2026-05-07T09:00:00+0000 ",
    ],
)
def test_one_instant_in_many_forms(text: str) -> None:
    assert parse_moment(text) == NINE
    assert read_moments(pa.array([text]), timezone="Asia/Kathmandu", zone="Asia/Kathmandu").us.tolist() == [NINE]


@pytest.mark.parametrize(
    "text", ["", "soon", "07/05/2026", "1778144400", "20260507", "2026-13-01", "2026-05-07T25:00Z", "2026-05-07Z"]
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(TimeError) as caught:
        parse_moment(text)
    assert caught.value.state == moments.UNREADABLE
    expected = moments.MISSING if text == "" else moments.UNREADABLE
    assert read_moments(pa.array([text]), timezone="UTC", zone="UTC").state.tolist() == [expected]


@pytest.mark.parametrize("text", ["1970-12-31", "2099-01-01T00:00:00Z", "0001-01-01", "9999-12-31T00:00:00Z", "9999-12-31"])
def test_times_out_of_range(text: str) -> None:
    with pytest.raises(TimeError) as caught:
        parse_moment(text)
    assert caught.value.state == moments.OUT_OF_RANGE
    for column in (pa.array([text]), pa.array([text, "2026-05-07T09:00:00.1234567Z"])):
        read = read_moments(column, timezone="UTC", zone=None)
        assert read.state[0] == moments.OUT_OF_RANGE
        assert (read.us[0] >= moments.LATEST) == (text > "2026")


def test_a_time_without_a_zone_needs_that_of_its_table() -> None:
    with pytest.raises(TimeError) as caught:
        parse_moment("2026-05-07T09:00:00")
    assert caught.value.state == moments.NAIVE
    assert parse_moment("2026-05-07T11:00:00", zone="Europe/Berlin") == NINE
    column = pa.array(["2026-05-07T11:00:00", None, "2026-05-07"])
    assert read_moments(column, timezone="UTC", zone=None).state.tolist() == [moments.NAIVE, moments.MISSING, moments.READ]
    assert read_moments(column, timezone="UTC", zone="Europe/Berlin").us[0] == NINE


def test_a_bare_date_is_midnight_of_the_workspace() -> None:
    assert parse_moment("2026-05-07", timezone="Europe/Berlin", zone="Asia/Kathmandu") == NINE - 11 * 3_600_000_000
    column = pa.array([date(2026, 5, 7), None, date(1900, 1, 1), date(3000, 1, 1)])
    read = read_moments(column, timezone="Europe/Berlin", zone=None)
    assert read.us[0] == NINE - 11 * 3_600_000_000
    assert read.state.tolist() == [moments.READ, moments.MISSING, moments.OUT_OF_RANGE, moments.OUT_OF_RANGE]


def test_timestamp_columns_of_every_unit() -> None:
    aware = datetime(2026, 5, 7, 9, tzinfo=UTC)
    for unit in ("s", "ms", "us", "ns"):
        column = pa.array([aware, None], pa.timestamp(unit, "Asia/Kathmandu"))
        read = read_moments(pa.chunked_array([column]), timezone="UTC", zone=None)
        assert read.us[0] == NINE
        assert read.state.tolist() == [moments.READ, moments.MISSING]
    naive = pa.array([aware.replace(tzinfo=None), None], pa.timestamp("us"))
    assert read_moments(naive, timezone="UTC", zone=None).state.tolist() == [moments.NAIVE, moments.MISSING]
    assert read_moments(naive, timezone="UTC", zone="UTC").us[0] == NINE
    assert read_moments(naive.dictionary_encode(), timezone="UTC", zone="UTC").us[0] == NINE


def test_dictionaries_nulls_and_numbers() -> None:
    column = pa.array(["2026-05-07T09:00:00Z", None, "x", "2026-05-07T09:00:00Z"]).dictionary_encode()
    read = read_moments(column, timezone="UTC", zone=None)
    assert read.us[[0, 3]].tolist() == [NINE, NINE]
    assert read.state.tolist() == [0, moments.MISSING, moments.UNREADABLE, 0]
    nothing = pa.array([None, None], pa.string()).dictionary_encode()
    assert read_moments(nothing, timezone="UTC", zone=None).state.tolist() == [moments.MISSING] * 2
    assert read_moments(pa.nulls(2), timezone="UTC", zone=None).state.tolist() == [moments.MISSING] * 2
    with pytest.raises(TypeError, match="int64"):
        read_moments(pa.array([1_778_144_400]), timezone="UTC", zone=None)


def test_a_bad_cell_among_many_costs_only_itself() -> None:
    texts = ["2026-05-07T09:00:00Z"] * 500
    texts[77], texts[300], texts[301] = "2026-02-30T00:00:00Z", "  ", "2026-05-07T09:00:00"
    read = read_moments(pa.array(texts), timezone="UTC", zone=None)
    assert np.flatnonzero(read.state).tolist() == [77, 300, 301]
    assert read.state[[77, 300, 301]].tolist() == [moments.UNREADABLE, moments.MISSING, moments.NAIVE]


NASTY = ("2026-03-29T02:30", "2026-10-25T02:30", "2017-10-15T00:00", "2018-02-17T23:30")
local_times = st.datetimes(*(datetime.fromisoformat(one) for one in ("1975-01-01", "2090-01-01"))) | st.sampled_from(
    [datetime.fromisoformat(one) for one in NASTY]
)


@given(local_times, st.sampled_from(ZONES))
@settings(max_examples=150, deadline=None)
def test_columns_read_as_single_values_do(wall: datetime, zone: str) -> None:
    expected = from_datetime(wall.replace(tzinfo=ZoneInfo(zone)))
    assert parse_moment(wall.isoformat(), zone=zone) == expected
    for column in (pa.array([wall.isoformat(sep=" ")]), pa.array([wall], pa.timestamp("us"))):
        assert read_moments(column, timezone="UTC", zone=zone).us.tolist() == [expected]
    day = wall.date().isoformat()
    assert read_moments(pa.array([day]), timezone=zone, zone=None).us.tolist() == [parse_moment(day, timezone=zone)]


@given(local_times, st.sampled_from(ZONES))
@settings(max_examples=100, deadline=None)
def test_days_are_those_of_the_workspace(at: datetime, zone: str) -> None:
    us = np.array([from_datetime(at.replace(tzinfo=UTC))])
    day = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    midnight = [
        from_datetime(datetime(one.year, one.month, one.day, tzinfo=ZoneInfo(zone))) for one in (day, day + timedelta(days=1))
    ]
    if midnight[0] <= us[0] < midnight[1]:  # where a clock is turned back over midnight, days follow the order of instants
        assert local_date(us, zone).tolist() == [(day - date(1970, 1, 1)).days]
        assert [int(day_begin(us, zone)[0]), int(day_end(us, zone)[0])] == midnight
    assert effective_event(us, "day", zone).tolist() == day_end(us, zone).tolist()
    assert effective_event(us, "second", zone) is us


def test_an_event_of_a_day_is_known_when_the_day_is_over() -> None:
    read = read_moments(pa.array(["2026-05-07"]), timezone="UTC", zone=None)
    assert effective_event(read.us, "day", "UTC").tolist() == [read.us[0] + DAY_US]
    assert effective_event(read.us + DAY_US - 1, "day", "UTC").tolist() == [read.us[0] + DAY_US]


@given(
    st.integers(0, 4_000_000_000_000_000).map(lambda us: datetime(1971, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
    st.data(),
)
def test_the_usual_form_is_read_as_any_other(moment: datetime, spec: str, data: st.DataObject) -> None:
    text = f"{moment.replace(tzinfo=None).isoformat(timespec=spec)}Z"
    assert moments._read_usual(text) == moments._read_any(text, "UTC", None)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from("0129-+:.,TtZzWe \u0661")) + text[place + 1 :]
    try:
        expected = moments._read_any(changed, "UTC", None)
    except TimeError:
        assert moments._read_usual(changed) is None
    else:
        assert moments._read_usual(changed) in (expected, None)
