"""Plots: every chart of the page once more, as a picture that stands alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.training.judged_world import judged_world
from training.report.charts import Chart, axis
from training.report.page import page
from training.report.plots import LONGEST, plots

SVG = "{http://www.w3.org/2000/svg}"


def drawn(title: str) -> str:
    return Chart(title, "told", axis("x", 0, 1), axis("y", 0, 1)).svg()


def test_every_chart_of_the_page_stands_alone() -> None:
    report = page(judged_world().content)
    found = plots(report)
    assert len(found) == report.count('class="chart"')
    assert {"plots/lift_curve.svg", "plots/calibration_curve.svg", "plots/learning_curve.svg"} <= set(found)
    for text in found.values():
        picture = ET.fromstring(text)
        assert picture.tag == f"{SVG}svg"
        look = picture.find(f"{SVG}style")
        assert look is not None
        assert look.text is not None
        assert "--ink: #1b2430" in look.text
        for kind in ("line", "grid", "axis", "end", "label"):
            assert f"svg .{kind} {{" in look.text, kind
    assert plots(report) == found


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Lift curve", "lift_curve"),
        ("Ülke: TR & DE", "lke_tr_amp_de"),
        ("ıııı", "chart"),
        ("x" * 99, "x" * LONGEST),
        ("../a", "a"),
    ],
)
def test_names_are_plain(title: str, name: str) -> None:
    assert list(plots(drawn(title))) == [f"plots/{name}.svg"]


def test_two_alike_get_a_number() -> None:
    assert list(plots(drawn("A") + drawn("A") + drawn("a"))) == ["plots/a.svg", "plots/a_2.svg", "plots/a_3.svg"]
