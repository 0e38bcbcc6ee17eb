"""The sample of sentences that people read: `python -m tests.models.phrases_sample` writes phrases_sample.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from features.feature import Feature
from features.workspaces.behaviours import VOCABULARY
from models.phrase_book import LANGUAGES, book_of
from models.phrase_values import PERCENT
from models.phrasing import Phrasing, family_of, typical_kinds
from tests.models.spoken_world import told_in

SAMPLE = Path(__file__).parent / "phrases_sample.md"
EVERY = ("count_7d", "reached_3_all", "distinct_names_7d", "duration_sum_s_7d", "names_unused_7d", "recency_h_all")
WHOLE = ("purchase_intent", "any", "exports")


def sections() -> Iterator[tuple[str, list[str]]]:
    """Yield the sections: headings, and the features that are told in them."""
    names = list(told_in("en")[0].names)
    for whole in WHOLE:
        yield f"Every family: {whole}", [n for n in names if n.startswith(f"own_{whole}_") and not n.endswith(("_1d", "_12h"))]
        yield f"Every family, of the team: {whole}", [n for n in names if n.startswith(f"mates_{whole}_") and whole == WHOLE[0]]
    for behaviour in (*VOCABULARY,):
        if behaviour not in WHOLE:
            yield f"Behaviour: {behaviour}", [f"own_{behaviour}_{line}" for line in EVERY] + [f"mates_{behaviour}_people"]
    yield "Windows", [f"own_session_{line}" for line in ("count_12h", "count_1d", "count_all", "trend_1d", "trend_12h")]
    yield "Events, conditions, own words", [n for n in names if "event" in n or n.startswith("told_") or n == "own_uploads"]
    yield "Attributes and the trial", ["home_country", "country", "company_size", "companyBudget", "founding_year",
                                       "trial_age_d", "trial_left_d", "profile_filled"]  # fmt: skip


def values(feature: Feature) -> list[tuple[float | str | None, bool]]:
    """Return the values at which a feature is told, and whether the trial is too young."""
    family = family_of(feature)[0]
    if family == "category":
        return [("DE", False), ("Timbuktu", False), (None, False)]
    if family in PERCENT:
        numbers = [0.0, 0.35, 1.0]
    elif family == "trend":
        numbers = [0.0, 0.2, 0.5, 0.8, 1.0]
    elif family == "ratio_to":
        numbers = [0.0, 0.04, 0.3, 1.0, 3.2]
    elif family == "reached":
        numbers = [0.0, 1.0]
    elif family in ("recency_h", "time_to_first_h", "trial_age_d", "trial_left_d"):
        numbers = [0.0, 0.4, 1.0, 5.2, 47.0, 75.0]
    else:
        numbers = [0.0, 1.0, 2.0, 1000.0]
    if family.startswith(("duration", "amount")):
        numbers = [0.0, 61.25, 7260.5]
    return [*((number, False) for number in numbers), (None, False), *([(None, True)] if feature.min_age_us else [])]


def sample() -> str:
    """Return the whole sample as Markdown."""
    told = {language: told_in(language) for language in LANGUAGES}
    lines = ["# Sentences, as people read them", "", "Written by `python -m tests.models.phrases_sample`; a test compares.", ""]
    for heading, names in sections():
        lines += [f"## {heading}", ""]
        for name in names:
            lines += list(_feature(name, told))
        lines.append("")
    lines += ["## Warnings", ""]
    for code in book_of("en").warnings:
        for language in LANGUAGES:
            phrasing = Phrasing(language)
            lines.append(f"- {phrasing.warning(code, days=phrasing.number(12.5), names='country, seats', version='3')}")
    return "\n".join(lines) + "\n"


def _feature(name: str, told: dict) -> Iterator[str]:  # type: ignore[type-arg]
    features = told["en"][0]
    feature = features[name]
    kind = "values" if feature.kind == "category" else typical_kinds((feature,))[name]
    for value, early in values(feature):
        yield f"- `{name}` {'-' if value is None else value}{' early' * early}"
        for language in LANGUAGES:
            phrasing = told[language][1]
            text = phrasing.sentence(feature, value, features.definition, early=early)
            if value is not None:
                number = 0.31 if kind != "median" else value or 0.31
                text += f"; *{phrasing.typical(feature, kind, number, value, features.definition)}*"
            yield f"  - {text}"


if __name__ == "__main__":
    SAMPLE.write_text(sample(), encoding="utf-8")
