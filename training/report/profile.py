"""Who converts: the declared and the learnt profile, a part a line, with what the model makes of it."""

from __future__ import annotations

from training.profile import Profile, Trait
from training.report.charts import Axis, bar, span, whisker
from training.report.content import Content
from training.report.markup import Html, html, interval, note, pair, percent, section, table, tag


def who_converts(content: Content, title: str) -> Html:
    """Return the profile that converts, with intervals."""
    found = content.explained.profile
    if found is None:
        return html("")
    told = tag("ul", *(tag("li", line) for line in found.lines))
    heads = ["Leads with", "Conversion, %", "Minus the others, points", "Fit, points", "Leads", "Paid"]
    return section("profile", title, told, table("By attribute", heads, _rows(found), left=(1, 3)), _reading(found))


def _rows(found: Profile) -> list[tuple[object, ...]]:
    lines = [*([found.declared] if found.declared else []), *found.traits]
    rates = span(0.0, max((one.rate.high for one in lines if one.rate.n), default=1.0))
    fits = [one.fit for one in lines if one.fit is not None]
    scale = span(min((one.low for one in fits), default=0.0), max((one.high for one in fits), default=0.0))
    rows: list[tuple[object, ...]] = []
    group = ""
    for one in lines:
        if one.attribute != group:
            group = one.attribute
            rows.append((group.replace("_", " "),))
        rows.append(_row(one, rates, scale))
    return rows


def _row(one: Trait, rates: Axis, fits: Axis) -> tuple[object, ...]:
    share = bar(one.rate.value, one.rate.low, one.rate.high, rates, f"{one.value}: {percent(one.rate.value)}")
    fit: object = "–"
    if one.fit is not None:
        drawn = whisker(one.fit.value, one.fit.low, one.fit.high, fits, f"{100 * one.fit.value:+.1f} points")
        fit = pair(drawn, interval(one.fit, 1, times=100))
    name = f"{one.value} ({one.word})" if one.word else one.value
    converted = pair(share, interval(one.rate, 1, times=100))
    return name, converted, interval(one.above, 1, times=100), fit, f"{one.rate.n:,}", f"{one.rate.conversions:,}"


def _reading(found: Profile) -> Html:
    return note(
        "Each lead once, at its first look. Conversion is what happened in the horizon after it (Wilson intervals, widened "
        "where accounts decide together). Fit is what the model adds for the attribute alone, on average: where its leads also "
        "behave otherwise, they convert by more than their fit. “More” and “less” stand where the difference is sure at a level "
        f"of 5 % shared among all {found.questions} questions (Bonferroni). A part of fewer than 30 leads is not listed. All "
        "of this is association."
    )
