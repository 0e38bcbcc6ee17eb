"""What the model goes by: importance by behaviour and by feature, and the curves of the strongest signs."""

from __future__ import annotations

import math

from training.dependence import Curve
from training.importance import Importance
from training.report.charts import LEFT, WIDTH, Axis, Chart, axis, bar, figure, span
from training.report.content import Content
from training.report.markup import Html, html, interval, note, number, pair, section, table, tag

MOST_SIGNS = 15
_LABELS = 5
_LONGEST = 14


def behaviours_and_features(content: Content, title: str) -> Html:
    """Return both tables of importance."""
    found = content.explained
    if not found.behaviours:
        return section(
            "behaviours", title, tag("p", "The model goes by nothing: it gives every lead of one age the same answer.")
        )
    signs = found.features[:MOST_SIGNS]
    reading = note(
        "Moves the answer: how far it moves the probability up or down on average, in percentage points; for a single sign in "
        "log-odds. Costs if shuffled: by how much the log-loss on later leads grows (in thousandths) when what is known of it is "
        "dealt out anew among leads of the same age; what other signs say as well counts for nothing there, and the age itself "
        "cannot be dealt. Intervals are 95 %. All of this is association: pushing a behaviour need not make leads pay."
    )
    heads = ["Behaviour", "Moves the answer, points", "Costs if shuffled, thousandths"]
    by_behaviour = table("By behaviour", heads, _rows(found.behaviours, 100.0, plain=True), left=(1, 2))
    left = len(found.features) - len(signs)
    more = note(f"{left} more signs move the answer less.") if left else html("")
    heads = ["Sign", "Moves the answer, log-odds", "Costs if shuffled, thousandths"]
    return section(
        "behaviours",
        title,
        by_behaviour,
        table("By single sign", heads, _rows(signs, 1.0, plain=False), left=(1, 2)),
        more,
        reading,
    )


def _rows(found: list[Importance], times: float, *, plain: bool) -> list[tuple[object, ...]]:
    size = span(0.0, max(one.contribution.high for one in found))
    tried = [one.permuted for one in found if one.permuted is not None]
    cost = span(min((one.low for one in tried), default=0.0), max((one.high for one in tried), default=0.0))
    return [_row(one, size, cost, times, plain) for one in found]


def _row(one: Importance, size: Axis, cost: Axis, times: float, plain: bool) -> tuple[object, ...]:
    contribution, permuted = one.contribution, one.permuted
    digits = 2
    moves = bar(contribution.value, contribution.low, contribution.high, size, f"{times * contribution.value:.{digits}f}")
    name = _behaviour(one.name) if plain else one.meaning
    moved = pair(moves, interval(contribution, digits, times=times))
    if permuted is None or permuted.error == 0.0:
        return name, moved, "–"
    costs = bar(permuted.value, permuted.low, permuted.high, cost, f"{1000 * permuted.value:.2f} thousandths")
    return name, moved, pair(costs, interval(permuted, 2, times=1000))


def _behaviour(name: str) -> str:
    return {"any": "activity as a whole", "account": "colleagues of the account"}.get(name, name.replace("_", " "))


def curves(content: Content, title: str) -> Html:
    """Return the dependence curves, one picture a feature, all on one scale."""
    found = content.explained.curves
    if not found:
        return html("")
    points = [point for curve in found for point in (*curve.points, *([curve.missing] if curve.missing else []))]
    low, high = min(0.0, *(p.low for p in points)), max(0.0, *(p.high for p in points))
    scale = axis("adds to the log-odds", low, high, count=6)
    drawn = [_picture(curve, scale) for curve in found]
    reading = note(
        "Each point is a group of looks with about the same value (tenths of them, or a category); the band holds the "
        "middle 80 % of what the sign adds to the log-odds in that group. +0.7 doubles the odds, -0.7 halves them. The "
        "groups stand side by side, so distances along the bottom mean nothing."
    )
    return section("curves", title, reading, tag("div", *drawn, class_="charts three"))


def _picture(curve: Curve, scale: Axis) -> Html:
    if curve.category:
        return _category_picture(curve, scale)
    ends = float(len(curve.points) - 1)
    every = max(1, math.ceil(len(curve.points) / _LABELS))
    shown = {*range(0, len(curve.points), every)}
    ticks = tuple((float(i), point.label) for i, point in enumerate(curve.points) if i in shown)
    chart = Chart(curve.meaning, _described(curve), Axis("value", -0.3, max(ends, 0.0) + 0.3, ticks), scale, height=210.0)
    xs = [float(i) for i in range(len(curve.points))]
    chart.line([chart.x.low, chart.x.high], [0.0, 0.0], "reference")
    if len(xs) > 1:
        chart.band(xs, [p.low for p in curve.points], [p.high for p in curve.points])
        chart.line(xs, [p.mean for p in curve.points])
    for x, point in zip(xs, curve.points, strict=True):
        chart.dot(x, point.mean)
    missing = f" Missing: {curve.missing.mean:+.2f}." if curve.missing else ""
    return figure(chart.svg(), curve.meaning, f"{_looks(curve)}.{missing}")


def _category_picture(curve: Curve, scale: Axis) -> Html:
    points = [*curve.points, *([curve.missing] if curve.missing else [])]
    last = len(points) - 1
    ticks = tuple((float(last - i), _short(point.label)) for i, point in enumerate(points))
    longest = max(len(label) for _, label in ticks)
    rows = Axis("", -0.5, last + 0.5, ticks)
    left = max(LEFT, 6.4 * longest + 12.0)
    across = axis(scale.label, scale.low, scale.high, count=3 if left > WIDTH / 4 else 5)
    chart = Chart(curve.meaning, _described(curve), across, rows, height=max(130.0, 60.0 + 20.0 * len(points)), left=left)
    chart.line([0.0, 0.0], [rows.low, rows.high], "reference")
    for i, point in enumerate(points):
        chart.level(float(last - i), point.low, point.high)
        chart.dot(point.mean, float(last - i))
    return figure(chart.svg(), curve.meaning, f"{_looks(curve)}.")


def _looks(curve: Curve) -> str:
    n = sum(point.n for point in curve.points) + (curve.missing.n if curve.missing else 0)
    return f"{n:,} looks"


def _described(curve: Curve) -> str:
    told = [f"{point.label}: {number(point.mean, 2)}" for point in (*curve.points, *([curve.missing] if curve.missing else []))]
    return f"Mean addition to the log-odds by value. {'; '.join(told)}."


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
