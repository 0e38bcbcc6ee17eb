"""What is said of changes: the same sentences in three languages, each with its own numbers."""

from __future__ import annotations

import pytest
import yaml

from models.change_phrasing import FOLDER, association, base_sentence, closed, from_to, no_activity, one_model, part_sentence
from models.phrasing import LANGUAGES


def test_every_language_has_every_word() -> None:
    def keys(node: object, path: str = "") -> set[str]:
        return {path} | {one for key in node for one in keys(node[key], f"{path}.{key}")} if isinstance(node, dict) else {path}

    words = {language: yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8")) for language in LANGUAGES}
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(LANGUAGES)
    assert all(keys(words[language]) == keys(words["en"]) for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_open(language: str) -> None:
    parts = ("behaviour", "time", "model", "activity", "step")
    said = [part_sentence(language, part, points) for part in parts for points in (0.0213, -0.31, 0.0, 1e-15, 0.0001)]
    said += [from_to(language, what, 0.12, after) for what in ("whole", "what_if") for after in (0.31, 0.05, 0.12)]
    said += [base_sentence(language, 0.08, 0.09), one_model(language), no_activity(language), closed(language)]
    said.append(association(language))
    for sentence in said:
        assert sentence[0].isupper()
        assert not set("{}_") & set(sentence)
        assert "\n" not in sentence


def test_numbers_are_written_as_the_language_does() -> None:
    assert [part_sentence(language, "time", -0.0213).count("2,1") for language in LANGUAGES] == [0, 1, 1]
    assert "%12,0" in from_to("tr", "whole", 0.12, 0.31)
    assert "von 12,0 % auf 31,0 %" in from_to("de", "whole", 0.12, 0.31)


def test_a_difference_of_rounding_is_none() -> None:
    assert part_sentence("en", "behaviour", 1e-15) == part_sentence("en", "behaviour", 0.0)
    assert "less than 0.1" in part_sentence("en", "behaviour", 1e-6)


def test_an_association_is_said_to_be_one() -> None:
    assert "not a promise of an effect" in association("en")
    assert "kein Versprechen" in association("de")
    assert "vaadi değildir" in association("tr")
