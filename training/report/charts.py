"""Charts: small pictures in SVG, written by hand.

Each is 360 units wide, so that its words keep their size on a telephone, and is laid out beside others where there is room. A
picture has a title and a description for who cannot see it, and the figures stand in a table or in the text as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from training.report.markup import Html, html, tag

WIDTH, HEIGHT = 360.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 12.0, 12.0, 42.0
BAR_WIDTH, BAR_HEIGHT = 120.0, 16.0

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from low to high, with its ticks and their labels."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def part(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high one."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


def axis(label: str, low: float, high: float, *, shares: bool = False, count: int = 5) -> Axis:
    """Return a scale with round ticks that includes both ends; `shares` are told in per cent.

    >>> [text for _, text in axis("", 0.0, 0.37, shares=True).ticks]
    ['0 %', '10 %', '20 %', '30 %', '40 %']
    """
    if not high > low:
        high = low + 1.0
    rough = (high - low) / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(one for one in _STEPS if one * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    told = 100.0 * step if shares else step
    digits = next((digits for digits in range(12) if abs(round(told, digits) - told) < 1e-9 * told), 12)
    values = [round(step * k, 12) + 0.0 for k in range(first, last + 1)]
    ticks = tuple((v, f"{100 * v:.{digits}f} %" if shares else f"{v:.{digits}f}") for v in values)
    return Axis(label, values[0], values[-1], ticks)


def span(low: float, high: float) -> Axis:
    """Return the scale of the small bars of a table, which always holds 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    return Axis("", low, high if high > low else low + 1.0, ())


class Chart:
    """One picture: axes first, then what is put into them, in the order of the calls."""

    def __init__(self, title: str, description: str, x: Axis, y: Axis, *, height: float = HEIGHT, left: float = LEFT) -> None:
        self.title, self.description, self.x, self.y = title, description, x, y
        self.height, self.left = height, left
        self.parts: list[Html] = [*self._grid()]

    def px(self, value: float) -> float:
        """Return the place of a value from left to right."""
        return self.left + self.x.part(value) * (WIDTH - self.left - RIGHT)

    def py(self, value: float) -> float:
        """Return the place of a value from top to bottom."""
        return TOP + (1.0 - self.y.part(value)) * (self.height - TOP - BOTTOM)

    def line(self, xs: Sequence[float], ys: Sequence[float], kind: str = "line") -> None:
        """Draw a line."""
        points = " ".join(f"{self.px(x):.1f},{self.py(y):.1f}" for x, y in zip(xs, ys, strict=True))
        self.parts.append(tag("polyline", points=points, class_=kind))

    def band(self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float]) -> None:
        """Fill what lies between two lines."""
        there = [(self.px(x), self.py(y)) for x, y in zip(xs, highs, strict=True)]
        back = [(self.px(x), self.py(y)) for x, y in zip(xs, lows, strict=True)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*there, *reversed(back)])
        self.parts.append(tag("polygon", points=points, class_="band"))

    def dot(self, x: float, y: float) -> None:
        """Draw a point."""
        self.parts.append(tag("circle", cx=f"{self.px(x):.1f}", cy=f"{self.py(y):.1f}", r="3.2", class_="dot"))

    def upright(self, x: float, low: float, high: float) -> None:
        """Draw an interval from below to above."""
        self.parts.append(_line(self.px(x), self.py(low), self.px(x), self.py(high), "whisker"))

    def level(self, y: float, low: float, high: float) -> None:
        """Draw an interval from left to right."""
        self.parts.append(_line(self.px(low), self.py(y), self.px(high), self.py(y), "whisker"))

    def words(self, x: float, y: float, text: str, *, anchor: str = "start", dx: float = 0.0, dy: float = 0.0) -> None:
        """Write into the picture."""
        self.parts.append(_text(self.px(x) + dx, self.py(y) + dy, text, anchor))

    def mark(self, x: float) -> None:
        """Draw a dashed line from the bottom to the top."""
        self.parts.append(_line(self.px(x), self.py(self.y.low), self.px(x), self.py(self.y.high), "mark"))

    def svg(self) -> Html:
        """Return the picture."""
        return picture(self.title, self.description, WIDTH, self.height, self.parts)

    def _grid(self) -> list[Html]:
        bottom, right = self.height - BOTTOM, WIDTH - RIGHT
        parts = []
        for value, label in self.y.ticks:
            parts.append(_line(self.left, self.py(value), right, self.py(value), "grid"))
            parts.append(_text(self.left - 6, self.py(value) + 3.5, label, "end"))
        for value, label in self.x.ticks:
            place = self.px(value)
            parts.append(_line(place, bottom, place, bottom + 4, "axis"))
            # The last label ends where the picture does.
            wide = place + 3.1 * len(label) > WIDTH
            parts.append(_text(WIDTH - 1 if wide else place, bottom + 16, label, "end" if wide else "middle"))
        parts.append(_line(self.left, bottom, right, bottom, "axis"))
        parts.append(_text((self.left + right) / 2, self.height - 8, self.x.label, "middle", "label"))
        if self.y.label:
            middle = (TOP + bottom) / 2
            turned = f"rotate(-90 11 {middle:.1f})"
            parts.append(tag("text", self.y.label, x="11", y=f"{middle:.1f}", transform=turned, class_="label middle"))
        return parts


def bar(value: float, low: float, high: float, scale: Axis, told: str) -> Html:
    """Return a small bar with its interval, for the cell of a table; `told` says the same in words."""
    zero, end = (BAR_WIDTH * scale.part(one) for one in (0.0, value))
    left, width = min(zero, end), abs(end - zero)
    middle = BAR_HEIGHT / 2
    parts = [
        tag("rect", x=f"{left:.1f}", y="3", width=f"{max(width, 0.5):.1f}", height=f"{BAR_HEIGHT - 6:g}", class_="bar"),
        _line(zero, 0, zero, BAR_HEIGHT, "axis"),
    ]
    if low == low and high == high:
        parts.append(_line(BAR_WIDTH * scale.part(low), middle, BAR_WIDTH * scale.part(high), middle, "whisker"))
    return _in_cell(told, parts)


def whisker(value: float, low: float, high: float, scale: Axis, told: str) -> Html:
    """Return a point with its interval about 0, for the cell of a table."""
    zero, middle = BAR_WIDTH * scale.part(0.0), BAR_HEIGHT / 2
    at = BAR_WIDTH * scale.part(value)
    parts = [
        _line(zero, 0, zero, BAR_HEIGHT, "axis"),
        _line(BAR_WIDTH * scale.part(low), middle, BAR_WIDTH * scale.part(high), middle, "whisker"),
        tag("circle", cx=f"{at:.1f}", cy=f"{middle:g}", r="3", class_="dot"),
    ]
    return _in_cell(told, parts)


def picture(title: str, description: str, width: float, height: float, parts: Sequence[Html]) -> Html:
    """Return an SVG element that says what it shows."""
    inside = [tag("title", title), tag("desc", description), *parts]
    return tag(
        "svg", *inside, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=f"{title}. {description}", class_="chart"
    )


def figure(chart: Html, title: str, caption: object) -> Html:
    """Return a picture under its title, with what it says below."""
    return tag("figure", tag("h3", title), chart, tag("figcaption", html(caption)))


def _in_cell(told: str, parts: Sequence[Html]) -> Html:
    box = f"0 0 {BAR_WIDTH:g} {BAR_HEIGHT:g}"
    return tag("svg", *parts, viewBox=box, role="img", aria_label=told, class_="cell", preserveAspectRatio="none")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=kind)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> Html:
    return tag("text", text, x=f"{x:.1f}", y=f"{y:.1f}", class_=f"{kind} {anchor}")
