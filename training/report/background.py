"""The background of a model: what changed against the champion, more data, data quality, the model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.report.card import card
from training.report.charts import Chart, axis, figure
from training.report.content import Beaten, Content, Quality, named
from training.report.judged import NAMES
from training.report.markup import Html, html, interval, note, number, section, table, tag


def changes(content: Content, title: str) -> Html:
    """Return features added and removed, and the figures side by side."""
    old = content.champion
    gate = tag("p", f"The gate: {content.gate.decision}; {content.gate.reason.rstrip('.')}.")
    if old is None:
        return section("changes", title, gate, note("There was no champion to compare with."))
    added = [name for name in content.used if name not in set(old.names)]
    removed = [name for name in old.names if name not in set(content.used)]
    same = "the same" if old.fingerprint == content.scorer.definition.fingerprint else "another"
    lines = [
        f"Features added: {named(added) or 'none'}.",
        f"Features removed: {named(removed) or 'none'}.",
        f"The definition of the features is {same} (mapping, categories and ranges).",
    ]
    rows = [
        ("Learner", _learner(old.facts), _learner(content.facts)),
        ("Known up to", str(old.facts.get("as_of", ""))[:10] or "–", str(content.facts.get("as_of", ""))[:10] or "–"),
        ("Leads", _count(old.facts, "leads"), _count(content.facts, "leads")),
        ("Conversions", _count(old.facts, "conversions"), _count(content.facts, "conversions")),
        ("Features used", f"{len(old.names):,}", f"{len(content.used):,}"),
        *_side_by_side(content, old),
    ]
    heads = ["", f"Champion (version {old.version})", "This model"]
    reading = note(
        "Each model's figures are of its own rehearsal, on leads of its own time: they are no comparison on the same leads. "
        "That is what the gate does."
    )
    items = tag("ul", *(tag("li", line) for line in lines))
    return section("changes", title, gate, items, table("Side by side", heads, rows, class_="fit"), reading)


def _side_by_side(content: Content, old: Beaten) -> list[tuple[object, ...]]:
    theirs = old.facts.get("figures") or {}
    macro = theirs.get("macro") or {}
    ours = content.evaluation.macro if content.evaluation else {}
    rows: list[tuple[object, ...]] = []
    for key, name in NAMES.items():
        digits = 4 if key in ("log_loss", "brier") else 1 if key == "lift_10" else 3
        rows.append((name, _told(macro.get(key), digits), interval(ours.get(key), digits)))
    return rows


def _told(plain: object, digits: int) -> Html:
    """Write a figure out of the facts of a model, which may be of an older version of Trialwise."""
    if not isinstance(plain, Mapping) or not isinstance(plain.get("value"), int | float):
        return html("–")
    low, high = (plain.get(key) if isinstance(plain.get(key), int | float) else None for key in ("low", "high"))
    between = tag("span", f"[{number(low, digits)}, {number(high, digits)}]", class_="ci")
    return html(tag("span", number(plain["value"], digits), " ", between))


def _learner(facts: Mapping[str, Any]) -> str:
    recipe = facts.get("recipe")
    return str(recipe.get("learner", "–")).replace("_", " ") if isinstance(recipe, Mapping) else "–"


def _count(facts: Mapping[str, Any], key: str) -> str:
    value = facts.get(key)
    return f"{value:,}" if isinstance(value, int) else "–"


def learning_curve(content: Content, title: str) -> Html:
    """Return what more conversions would bring, if it was measured."""
    found = content.facts.get("learning_curve")
    sizes = found.get("sizes") if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not sizes:
        return html("")
    xs, ys = ([float(size[key]) for size in sizes] for key in ("conversions", "log_loss"))
    told = "; ".join(f"{x:,.0f} conversions: log-loss {y:.4f}" for x, y in zip(xs, ys, strict=True))
    across = axis("conversions learnt from", 0.0, max(xs))
    chart = Chart("Learning curve", told, across, axis("log-loss on later leads", min(ys), max(ys)))
    chart.line(xs, ys)
    for x, y in zip(xs, ys, strict=True):
        chart.dot(x, y)
    drawn = figure(chart.svg(), "Learning curve", "Log-loss (lower is better) of the logistic regression with less history.")
    rows = [
        (f"{size['conversions']:,.0f}", f"{size['leads']:,.0f}", number(size["log_loss"], 4), number(size["auc"]))
        for size in sizes
    ]
    read = table("With so much history", ["Conversions", "Leads", "Log-loss", "AUC"], rows, class_="fit")
    return section("learning", title, tag("p", str(found.get("sentence", ""))), tag("div", drawn, read, class_="charts"))


def data_quality(content: Content, title: str) -> Html:
    """Return what was read, refused, dropped, unmapped and silent."""
    found = content.quality
    tables = table(
        "Rows read", ["Table", "Read", "Refused", "Why refused", "Repeats", "Outside", "First", "Last"],
        [
            (
                one.name, f"{one.read:,}", f"{sum(one.refused.values()):,}", _reasons(one.refused), f"{one.duplicates:,}",
                f"{one.outside:,}", one.first or "–", one.last or "–",
            )
            for one in found.tables
        ],
    )  # fmt: skip
    rows = [(reason.replace("_", " "), f"{count:,}") for reason, count in found.dropped.items()]
    dropped = table("Looks that were not learnt from", ["Why", "Looks"], rows, class_="fit") if rows else html("")
    reading = note(
        "A look is dropped when its lead had not started or had already converted or ended by then, or when the whole "
        "horizon after it is not yet over and known."
    )
    return section("quality", title, tables, dropped, reading, *_names(found))


def _names(found: Quality) -> list[Html]:
    quiet = found.silent or ["No behaviour has fallen silent."]
    told = [tag("h3", "Silence"), tag("ul", *(tag("li", line) for line in quiet))]
    if not found.unmapped_names:
        return [*told, tag("p", "Every event name is mapped.")]
    most = named([f"{name} ({count:,})" for name, count in found.unmapped])
    line = f"{found.unmapped_names:,} event names ({found.unmapped_events:,} events) are not mapped by any behaviour"
    return [*told, tag("h3", "Unmapped"), tag("p", f"{line}; most often {most}." if most else f"{line}.")]


def _reasons(refused: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in refused.items()) or "–"


def card_section(content: Content, title: str) -> Html:
    """Return the model card."""
    pairs = [piece for head, lines in card(content) for piece in (tag("dt", head), _lines(head, lines))]
    return section("card", title, tag("dl", *pairs, class_="card"))


def _lines(head: str, lines: list[str]) -> Html:
    return tag("dd", *(tag("p", line) for line in lines), class_="note" if head == "Features" else None)
