"""How good the model is: the list, the probabilities, the funnel, slices and ages."""

from __future__ import annotations

from training.calibration_check import Calibration
from training.evaluation import Figure
from training.funnel import Funnel, Stage
from training.gains import SHARES
from training.report.charts import Axis, Chart, axis, bar, figure, span, whisker
from training.report.content import Content
from training.report.markup import Html, html, interval, note, number, pair, percent, section, table, tag
from training.slices import Slice

NAMES = {
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "Log-loss",
    "brier": "Brier",
    "ece": "Calibration error",
    "lift_10": "Lift of the best tenth",
}


def lists(content: Content, title: str) -> Html:
    """Return the lift curve, with what the capacity brings."""
    gains = content.examination.gains
    if gains is None:
        return html("")
    xs = SHARES.tolist()
    values = [one.value for one in gains.captured]
    best = gains.contacts.share
    told = (
        f"The best tenth of the leads holds {percent(values[4], 0)} of the conversions, the best third {percent(values[13], 0)}."
    )
    chart = Chart(
        "Lift curve", told, axis("share of the leads contacted, the likeliest first", 0, 1, shares=True, count=6),
        axis("share of all conversions among them", 0, 1, shares=True, count=6),
    )  # fmt: skip
    chart.band(xs, [one.low for one in gains.captured], [one.high for one in gains.captured])
    chart.line([0, 1], [0, 1], "reference")
    chart.line(xs, values)
    if best < 1.0:
        chart.mark(best)
        right = best > 0.55
        chart.words(best, 0.0, "your capacity", dx=-5 if right else 5, dy=-8, anchor="end" if right else "start")
    legend = "Solid: this model with its 95 % band. Dashed: contacting at random."
    rows = [
        (percent(share, 0), interval(gains.captured[place], 0, times=100), number(gains.captured[place].value / share, 1))
        for place, share in enumerate(xs)
        if share in (0.05, 0.1, 0.2, 0.3, 0.5)
    ]
    reading = table("Read off the curve", ["Contacted", "Conversions reached, %", "Lift"], rows, class_="fit")
    why = f"Capacity: {gains.contacts.why}, which is {percent(best, 0)} of the leads."
    return section(
        "list", title, tag("p", gains.sentence),
        tag("div", figure(chart.svg(), "Lift curve", legend), tag("div", reading, note(why)), class_="charts"),
    )  # fmt: skip


def calibration(content: Content, title: str) -> Html:
    """Return the calibration curve, and slope, intercept and error overall and by part."""
    found = content.examination
    if not found.calibration:
        return html("")
    top = max([one.happened.high for one in found.bins] + [one.promised for one in found.bins])
    scale = axis("probability that was promised", 0.0, top, shares=True)
    told = "; ".join(f"promised {percent(one.promised)}, happened {percent(one.happened.value)}" for one in found.bins)
    chart = Chart(
        "Calibration curve", f"In ten equal groups: {told}.", scale, axis("share that converted", 0.0, top, shares=True)
    )
    chart.line([0.0, scale.high], [0.0, scale.high], "reference")
    chart.line([one.promised for one in found.bins], [one.happened.value for one in found.bins])
    for one in found.bins:
        chart.upright(one.promised, one.happened.low, one.happened.high)
        chart.dot(one.promised, one.happened.value)
    legend = "Each point is a tenth of the looks with its 95 % interval; on the dashed line, what was promised is what happened."
    bins = table(
        "Tenths, the least likely first", ["Promised", "Converted, %", "Looks"],
        [(percent(one.promised), interval(one.happened, 1, times=100), f"{one.happened.n:,}") for one in found.bins],
        class_="fit",
    )  # fmt: skip
    parts = table(
        "Calibration by part",
        ["Part", "Promised", "Converted", "Calibration error", "By chance", "Slope", "Intercept", "Leads"],
        [_calibrated(one) for one in found.calibration],
    )
    reading = note(
        "Slope below 1: the probabilities are too extreme; above 1: too timid. Intercept: by how much the log-odds are off "
        "on the whole; above 0, more paid than was promised. Calibration error: mean distance between promise and outcome "
        "over ten equal groups; even perfect probabilities would show the error under “by chance” on so few leads. Brier "
        "skill: the share of the squared error of the base rate that is saved."
    )
    return section(
        "calibration", title, tag("div", figure(chart.svg(), "Calibration curve", legend), bins, class_="charts"), parts, reading
    )


def _calibrated(one: Calibration) -> tuple[object, ...]:
    name = "all looks" if one.group == "all" else f"{_plain(one.group)}: {one.name}"
    told = one.figures
    error = interval(told["calibration_error"]), number(one.by_chance)
    line = interval(told["calibration_slope"], 2), interval(told["calibration_intercept"], 2)
    return name, percent(one.promised), percent(one.happened), *error, *line, f"{told['calibration_gap'].n:,}"


def closing(content: Content, title: str) -> Html:
    """Return whether PQLs close better, and how soon."""
    funnel = content.explained.funnel
    if funnel is None:
        return html("")
    scale = span(0.0, max(stage.rate.high for stage in funnel.stages))
    rows = [
        (
            stage.name,
            pair(_rate_bar(stage, scale), interval(stage.rate, 1, times=100)),
            f"{stage.leads:,}",
            f"{stage.rate.conversions:,}",
            interval(stage.days_to_pay, 1),
            interval(stage.behind, 1, times=100),
        )
        for stage in funnel.stages
    ]
    heads = ["Stage", "Conversion, %", "Leads", "Paid", "Median days to pay", "PQLs minus this, points"]
    reading = note(
        f"{_as_of(funnel)} Wilson intervals, widened where accounts decide together; days count from the start of the trial, "
        "among those who paid (bootstrap over accounts). Stages overlap in what people did: who talked with sales is an SQL "
        "whatever the probability, and a PQL may have answered marketing too."
    )
    return section(
        "funnel", title, tag("ul", *(tag("li", line) for line in funnel.lines)), table("Stages", heads, rows, left=(1,)), reading
    )


def _rate_bar(stage: Stage, scale: Axis) -> Html:
    return bar(stage.rate.value, stage.rate.low, stage.rate.high, scale, f"{stage.name}: {percent(stage.rate.value)}")


def _as_of(funnel: Funnel) -> str:
    if funnel.age_days is None:
        return "Each lead once."
    after = f"whether it paid in the {funnel.horizon_days:g} days after"
    return f"Each later lead once, as of day {funnel.age_days:g} of its trial, and {after}."


def slices(content: Content, title: str) -> Html:
    """Return the slices, and the worst one where there is one."""
    found = content.examination.slices
    if not found.all:
        return html("")
    gaps = [bound for one in found.all for bound in (one.gap.low, one.gap.high)]
    scale = span(min(gaps), max(gaps))
    rows: list[tuple[object, ...]] = []
    for place, one in enumerate(found.all):
        if not place or found.all[place - 1].group != one.group:
            rows.append((_plain(one.group),))
        rows.append(_sliced(one, scale))
    heads = ["Slice", "Promised", "Converted", "Difference, points", "AUC", "Leads", "Paid"]
    reading = note(
        f"Intervals are 95 % each, from the spread between accounts. With {found.questions} questions asked, some will miss "
        "0 by luck: a slice is called worst only if it still does at a level of 5 % shared among all of them (Bonferroni). "
        "Slices with fewer than 10 payers are listed and not judged."
    )
    return section("slices", title, tag("p", found.sentence), table("Slices of the later leads", heads, rows, left=(3,)), reading)


def _sliced(one: Slice, scale: Axis) -> tuple[object, ...]:
    points = interval(one.gap, 1, times=100)
    drawn = whisker(one.gap.value, one.gap.low, one.gap.high, scale, f"{100 * one.gap.value:+.1f} points")
    counts = f"{one.n:,}", f"{one.conversions:,}"
    return one.name, percent(one.promised), percent(one.happened), pair(drawn, points), interval(one.auc, 2), *counts


def by_age(content: Content, title: str) -> Html:
    """Return the six figures at every age."""
    evaluation = content.evaluation
    if evaluation is None or not evaluation.by_look or not content.facts.get("as_of"):
        return html("")
    rows: list[tuple[object, ...]] = [_aged("all ages", evaluation.macro)] if evaluation.macro else []
    rows += [_aged(f"day {content.ages_days[look]:g}", figures) for look, figures in evaluation.by_look.items()]
    rows.append(_aged("pooled", evaluation.pooled))
    return section("ages", title, table("Figures at fixed ages", ["Age", "Leads", *NAMES.values()], rows))


def _aged(name: str, figures: dict[str, Figure]) -> tuple[object, ...]:
    digits = {"lift_10": 1, "log_loss": 4, "brier": 4}
    return name, f"{figures['auc'].n:,}", *(interval(figures[key], digits.get(key, 3)) for key in NAMES)


def _plain(name: str) -> str:
    return name.replace("_", " ")
