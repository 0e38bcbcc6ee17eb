"""The playbook: a library that is whole in three languages, and what a workspace changes of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from features.workspace import parse_workspace
from features.workspaces.behaviours import VOCABULARY
from models.phrasing import LANGUAGES
from models.playbook import Play, playbook, words

OF_THE_DESIGN = {"offer", "webinar", "community", "call", "demo", "case_study", "help", "unlock", "extend"}
WORDS = ("association", "contacted_recently", "same_play_recently", "capacity_used_up", "held_out", "no_gain")


def plays(**own: Any) -> dict[str, Play]:
    ws = parse_workspace(json.dumps({"name": "a", "data": {"events": {"source": "e.csv"}}, "plays": own}), ".")
    return {play.name: play for play in playbook(ws)}


def test_every_play_of_the_library_says_all_there_is_to_say() -> None:
    found = plays()
    assert set(found) == OF_THE_DESIGN
    for play in found.values():
        assert set(play.spec.moves) <= set(VOCABULARY)
        assert play.spec.moves
        assert play.spec.stages
    assert {name for name, play in found.items() if play.is_for_all} == {"webinar", "community"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_there_in_each_language_and_no_two_alike(language: str) -> None:
    texts = [play.text(language) for play in plays().values()] + [words(key, language, date="2026-05-07") for key in WORDS]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert re.match(r"^[A-ZÄÖÜÇĞİŞ]", text)
        assert not re.search(r"[_{}]|\.$", text)
    others = {text for other in LANGUAGES if other != language for text in (play.text(other) for play in plays().values())}
    assert not others & set(texts)


def test_who_has_not_decided_when_the_trial_ends_can_still_be_won() -> None:
    found = plays()
    late = {name for name, play in found.items() if play.suits("expired", {"trial_left_d": 0.0})}
    assert late == {"offer", "call", "case_study", "extend"}


def test_a_workspace_changes_the_lines_that_it_names() -> None:
    before, after = plays()["demo"], plays(demo={"cost": 30.0, "text": "Show it"})["demo"]
    assert (after.spec.cost, after.text("tr")) == (30.0, "Show it")
    assert (after.spec.moves, after.spec.stages) == (before.spec.moves, before.spec.stages)
    assert plays(demo={"enabled": False})["demo"].suits("pql", {}) is False


def test_a_play_of_ones_own_comes_after_the_library() -> None:
    found = plays(send_cake={"moves": ("advocacy",), "text": {"de": "Kuchen schicken"}}, plain_one={})
    assert list(found)[-2:] == ["send_cake", "plain_one"]
    assert found["send_cake"].text("tr") == "Kuchen schicken"
    assert found["plain_one"].text("de") == "Plain one"


def test_whom_it_suits() -> None:
    found = plays(local={"moves": ("sales",), "stages": ("pql", "sql"), "suits": {"country": {"in": ("DE", "AT")}}})
    local, extend = found["local"], found["extend"]
    assert [local.suits(*asked) for asked in (("pql", {"country": "AT"}), ("lead", {"country": "AT"}), ("pql", {}))] == [
        True, False, False,
    ]  # fmt: skip
    assert [extend.suits("expired", {"trial_left_d": left}) for left in (0.0, 3.0, 3.1, None)] == [True, True, False, False]
