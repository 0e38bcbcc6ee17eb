"""The section on who converts."""

from __future__ import annotations

from dataclasses import replace

from tests.training.judged_world import judged_world
from training.profile import profile_of
from training.report.profile import who_converts


def test_the_profile_is_shown_with_intervals() -> None:
    world = judged_world()
    shown = who_converts(world.content, "Who converts")
    assert "tr (more)" in shown
    assert "Fit, points" in shown
    assert shown.count('class="ci"') >= 3 * len(world.explained.profile.traits) - 3 if world.explained.profile else False


def test_the_declared_one_comes_first() -> None:
    world = judged_world()
    ws = world.ws.model_copy(update={"ideal_customer": {"country": {"eq": "tr"}}})
    explained = replace(world.explained, profile=profile_of(ws, world.data, world.scorer, seed=0))
    shown = who_converts(replace(world.content, explained=explained), "Who converts")
    assert shown.index("as declared") < shown.index("tr (more)")
    assert "The declared ideal customer (country tr)" in shown


def test_without_attributes_there_is_no_section() -> None:
    world = judged_world()
    none = replace(world.content, explained=replace(world.explained, profile=None))
    assert who_converts(none, "Who converts") == ""
