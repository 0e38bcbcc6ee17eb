"""The page: the same bytes for the same training, and everything it needs inside."""

from __future__ import annotations

from training.report.background import card_section, changes, data_quality, learning_curve
from training.report.content import Content
from training.report.drivers import behaviours_and_features, curves
from training.report.judged import by_age, calibration, closing, lists, slices
from training.report.markup import Html, joined, tag
from training.report.opening import figures, opening
from training.report.profile import who_converts
from training.report.style import STYLE

TITLES = {
    "list": "What a list brings",
    "calibration": "Can the probabilities be believed?",
    "funnel": "The funnel",
    "profile": "Who converts",
    "behaviours": "What the model goes by",
    "curves": "How the strongest signs act",
    "slices": "Slices",
    "ages": "By age of the trial",
    "changes": "What changed",
    "learning": "More data",
    "quality": "Data quality",
    "card": "Model card",
}


def page(content: Content) -> str:
    """Return the whole report as HTML."""
    made = {
        "list": lists(content, TITLES["list"]),
        "calibration": calibration(content, TITLES["calibration"]),
        "funnel": closing(content, TITLES["funnel"]),
        "profile": who_converts(content, TITLES["profile"]),
        "behaviours": behaviours_and_features(content, TITLES["behaviours"]),
        "curves": curves(content, TITLES["curves"]),
        "slices": slices(content, TITLES["slices"]),
        "ages": by_age(content, TITLES["ages"]),
        "changes": changes(content, TITLES["changes"]),
        "learning": learning_curve(content, TITLES["learning"]),
        "quality": data_quality(content, TITLES["quality"]),
        "card": card_section(content, TITLES["card"]),
    }
    there = {key: one for key, one in made.items() if one}
    links = tag("nav", *(tag("a", TITLES[key], href=f"#{key}") for key in there), aria_label="Sections")
    body = joined(
        [
            tag("header", *opening(content), figures(content)),
            links,
            tag("main", *there.values()),
            tag(
                "footer",
                f"Model {content.scorer.meta.name}, fingerprint {content.scorer.definition.fingerprint}. Made by Trialwise.",
            ),
        ]
    )
    head = joined(
        [
            Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            # Whatever a name in the data may hold: this page runs no script and asks nothing of the network.
            Html("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"),
            tag("title", f"Report: {content.scorer.meta.name}"),
            tag("style", Html(STYLE)),
        ]
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'
