"""Plots: the charts of a report as pictures of their own, for whoever looks at a training in MLflow without opening the page."""

from __future__ import annotations

import re

from training.report.style import STYLE

FOLDER = "plots"
LONGEST = 60

_CHART = re.compile(r'<svg (viewBox="[^"]*") [^>]*class="chart">(<title>(.*?)</title>.*?)</svg>', re.DOTALL)
_RULES = re.compile(r"^:root \{[^}]*\}|svg \.?[a-z]+(?: \.[a-z]+)? \{[^}]*\}", re.MULTILINE)


def plots(page: str) -> dict[str, str]:
    """Return every chart of a report (HTML) as an SVG document, by the name of its file, in the order of the page."""
    look = " ".join(_RULES.findall(STYLE)).replace("font-family: inherit", "font-family: system-ui, sans-serif")
    found: dict[str, str] = {}
    for box, inside, title in _CHART.findall(page):
        name = _named(title, found)
        found[name] = f'<svg xmlns="http://www.w3.org/2000/svg" {box} width="720"><style>{look}</style>{inside}</svg>\n'
    return found


def _named(title: str, taken: dict[str, str]) -> str:
    """Return a file name of plain letters for a title; of two alike the second gets a number."""
    plain = re.sub(r"[^a-z0-9]+", "_", title.lower())[:LONGEST].strip("_") or "chart"
    name, number = f"{FOLDER}/{plain}.svg", 2
    while name in taken:
        name, number = f"{FOLDER}/{plain}_{number}.svg", number + 1
    return name
