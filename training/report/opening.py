"""The opening of the report: the verdict in a sentence, and the figures that a reader asks for first."""

from __future__ import annotations

from collections.abc import Iterator

from training.report.content import Content
from training.report.markup import Html, html, interval, joined, note, number, tag
from training.verdict import NONE, PUBLISH

_MEANING = {
    PUBLISH: "The model ranks later leads better than chance beyond doubt: it may be used.",
    NONE: "There is nothing here that predicts who pays: do not use it.",
}
_WEAK = "There is something, but it may be luck, or it was not judged by later leads: use it with care."


def opening(content: Content) -> Iterator[Html]:
    """Yield the name, the verdict, and what the gate decided."""
    facts, scorer = content.facts, content.scorer
    known = f", known up to {str(facts['as_of'])[:10]}" if facts.get("as_of") else ""
    yield tag("h1", f"Will they pay? {scorer.meta.name}")
    learnt = f"{facts['leads']:,} leads, {facts['conversions']:,} of which paid"
    yield tag("p", f"Payment within {scorer.meta.horizon_days:g} days, learnt from {learnt}{known}.", class_="sub")
    word = content.verdict.word
    kind = {PUBLISH: "publish", NONE: "none"}.get(word, "weak")
    told = content.verdict.sentence.removeprefix(word).lstrip(": ")
    sentences = [tag("p", sentence) for sentence in content.examination.sentences]
    yield tag(
        "div",
        tag("span", f"Verdict: {word}. ", class_="word"),
        _MEANING.get(word, _WEAK),
        tag("p", told[:1].upper() + told[1:]),
        *sentences,
        tag("p", f"Gate: {content.gate.decision}; {content.gate.reason.rstrip('.')}."),
        class_=f"verdict {kind}",
        role="note",
        aria_label="Verdict",
    )


def figures(content: Content) -> Html:
    """Return the figures of the rehearsal as cards, each with its interval."""
    evaluation, found = content.evaluation, content.examination
    if evaluation is None:
        return html("")
    macro = evaluation.macro
    told: list[tuple[str, object]] = []
    if "auc" in macro:
        told += [
            ("Ranking (AUC; 0.5 is a coin)", interval(macro["auc"])),
            ("Lift of the best tenth", interval(macro["lift_10"], 1)),
        ]
        told.append(("Log-loss (lower is better)", interval(macro["log_loss"], 4)))
    if found.calibration:
        overall = found.calibration[0].figures
        told.append(("Brier skill against the base rate", interval(overall["brier_skill"])))
        told.append(("Calibration slope (1 is right)", interval(overall["calibration_slope"], 2)))
    if found.gains is not None and (weekly := found.gains.conversions_a_week) is not None:
        label = f"Conversions a week from {number(found.gains.contacts.a_week, 0)} contacts"
        told.append((label, interval(weekly, 1)))
    cards = [tag("div", tag("dt", label), tag("dd", value)) for label, value in told]
    few = "" if evaluation.reliable else " There are few converting leads: the intervals are guesses."
    how = "leads that started after those it had learnt from" if content.time_forward else "leads set aside at random"
    judged = f"Judged by {evaluation.leads:,} {how}, {evaluation.conversions:,} of which paid, each looked at once per age."
    means = f"Figures are averages over the ages, with 95 % intervals by resampling accounts.{few}"
    return joined([tag("dl", *cards, class_="cards"), note(judged, " ", means)])
