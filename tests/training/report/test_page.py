"""The page: self-contained, readable for machines that read aloud, the same bytes every time, and silent about people."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.training.judged_world import judged_world
from training.evaluation import Figure
from training.examination import Examination, Explained
from training.report.card import model_card
from training.report.content import quality_of
from training.report.page import page
from training.slices import Slices
from training.verdict import NONE, Verdict

VOID = {"meta", "link", "br", "img"}


class Reader(HTMLParser):
    """Check that every element is closed in order, and collect what is there."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data + " "

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.seen if tag in tags]


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


def test_the_page_needs_nothing_from_elsewhere() -> None:
    html = page(judged_world().content)
    assert html.startswith("<!DOCTYPE html>")
    for attributes in read(html).all(*{tag for tag, _ in read(html).seen}):
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import|https?://|<script", html)
    assert "default-src 'none'" in html


def test_the_same_training_gives_the_same_bytes() -> None:
    content = judged_world().content
    assert page(content) == page(content)
    assert model_card(content) == model_card(content)


def test_every_picture_says_what_it_shows_and_every_table_has_heads() -> None:
    found = read(page(judged_world().content))
    pictures = found.all("svg")
    assert len(pictures) > 20
    assert all(one.get("role") == "img" and one.get("aria-label") for one in pictures)
    assert (
        len(found.all("caption"))
        == len(found.all("table"))
        == len([one for one in found.all("div") if one.get("role") == "region"])
    )
    assert all(one.get("scope") for one in found.all("th"))
    ids = [str(one["id"]) for _, one in found.seen if "id" in one]
    assert len(ids) == len(set(ids))
    assert {str(one["href"])[1:] for one in found.all("a")} <= set(ids)


def test_every_section_is_there_and_no_number_is_broken() -> None:
    text = read(page(judged_world().content)).text
    for words in (
        "Verdict:", "What a list brings", "Can the probabilities be believed?", "The funnel", "What the model goes by",
        "How the strongest signs act", "Slices", "By age of the trial", "What changed", "Data quality", "Model card",
        "Champion (version 3)", "Features added: none", "Fingerprint",
    ):  # fmt: skip
        assert words in text, words
    assert not re.search(r"\b(nan|inf|None|NaN|Figure|array)\b", text)


def test_nothing_of_a_person_is_in_it() -> None:
    world = judged_world()
    texts = page(world.content) + model_card(world.content)
    leads = world.data.tables.leads
    assert "@" not in re.sub(r"@(media|page)", "", texts)
    assert not any(lead_id in texts for lead_id in leads.ids)
    assert not any(str(account) in texts for account in set(leads.account.tolist()) - {None})


def test_names_that_could_be_somebodys_are_counted_and_not_shown() -> None:
    world = judged_world()
    unmapped = {"invited jo@acme.test": 9, "opened 123456": 7, "theme_changed": 3}
    found = quality_of(world.ws, replace(world.data, tables=replace(world.data.tables, unmapped=unmapped)))
    assert found.unmapped == [("theme_changed", 3)]
    assert (found.unmapped_names, found.unmapped_events) == (3, 19)


def test_names_of_the_data_are_escaped() -> None:
    world = judged_world()
    quality = replace(world.content.quality, unmapped=[("<script>alert(1)</script>", 3)], unmapped_names=1, unmapped_events=3)
    html = page(replace(world.content, quality=quality))
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_model_that_nothing_was_judged_by_has_a_page() -> None:
    world = judged_world()
    nothing = Examination([], [], Slices([], 0, None, ""), None)
    told = Explained(None, [], [], [])
    verdict = Verdict(NONE, f"{NONE}: the last fold has leads of one outcome only, so nothing can be said.")
    content = replace(
        world.content, evaluation=None, examination=nothing, explained=told, champion=None, verdict=verdict, time_forward=False
    )
    text = read(page(content)).text
    assert "There was no champion to compare with" in text
    assert "goes by nothing" in text
    assert "set aside at random" in model_card(content)


def test_a_figure_without_a_value_is_a_dash() -> None:
    world = judged_world()
    evaluation = world.content.evaluation
    assert evaluation is not None
    nan = float("nan")
    macro = {**evaluation.macro, "auc": Figure(nan, nan, nan, 3, 0, nan)}
    assert "–" in read(page(replace(world.content, evaluation=replace(evaluation, macro=macro)))).text


@pytest.mark.parametrize("points", [3, 5])
def test_a_learning_curve_is_shown_where_there_is_one(points: int) -> None:
    world = judged_world()
    sizes = [
        {"leads": 100.0 * n, "conversions": 10.0 * n, "log_loss": 0.4 - 0.01 * n, "auc": 0.6 + 0.01 * n}
        for n in range(1, points + 1)
    ]
    facts = {"learning_curve": {"sizes": sizes, "sentence": "The next 100 conversions would hardly change the model."}}
    meta = replace(world.scorer.meta, facts={**world.scorer.meta.facts, **facts})
    text = read(page(replace(world.content, scorer=replace(world.scorer, meta=meta)))).text
    assert "would hardly change the model" in text
    assert f"{100 * points:,}" in text


def test_the_card_is_markdown_without_markup_of_the_data() -> None:
    card = model_card(judged_world().content)
    assert card.startswith("# Model card: small\n")
    assert card.count("\n## ") == 11
    assert "core\\_use" in card
