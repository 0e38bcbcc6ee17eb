"""Axes with round ticks, and pictures whose marks lie inside."""

from __future__ import annotations

import math
import re

import pytest

from training.report.charts import BAR_WIDTH, HEIGHT, WIDTH, Chart, axis, bar, span, whisker


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (0.0, 0.0373, ["0.00", "0.01", "0.02", "0.03", "0.04"]),
        (-0.42, 0.9, ["-0.5", "0.0", "0.5", "1.0"]),
        (0.0, 840.0, ["0", "250", "500", "750", "1000"]),
        (2.0, 2.0, ["2.00", "2.25", "2.50", "2.75", "3.00"]),
    ],
)
def test_ticks_are_round_and_hold_both_ends(low: float, high: float, ticks: list[str]) -> None:
    found = axis("", low, high)
    assert [label for _, label in found.ticks] == ticks
    assert found.low <= low
    assert found.high >= high


def test_shares_are_told_in_per_cent() -> None:
    assert [label for _, label in axis("", 0, 0.37, shares=True).ticks] == ["0 %", "10 %", "20 %", "30 %", "40 %"]
    assert [label for _, label in axis("", 0, 0.1, shares=True).ticks] == ["0.0 %", "2.5 %", "5.0 %", "7.5 %", "10.0 %"]


def test_what_is_drawn_lies_inside_even_where_values_do_not() -> None:
    chart = Chart("a & b", "says <it>", axis("x", 0, 1), axis("y", 0, 1))
    chart.band([0, 2], [-1, 0.2], [0.5, 9])
    chart.dot(0.5, 3.0)
    svg = chart.svg()
    assert "a &amp; b" in svg
    assert "says &lt;it&gt;" in svg
    for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", svg):
        assert 0 <= float(x) <= WIDTH
        assert 0 <= float(y) <= HEIGHT


def test_small_bars_start_at_zero() -> None:
    scale = span(-1.0, 3.0)
    zero = f'x1="{BAR_WIDTH / 4:.1f}"'
    assert zero in bar(2.0, 1.0, 3.0, scale, "2")
    assert zero in whisker(-0.5, -1.0, 0.2, scale, "-0.5")
    assert "whisker" not in bar(2.0, math.nan, math.nan, scale, "2")
    assert span(0.0, 0.0).high == 1.0
