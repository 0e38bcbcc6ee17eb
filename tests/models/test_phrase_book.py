"""The words of a language are read strictly, and say the same things in every language."""

from __future__ import annotations

import pytest

from features.errors import InputError
from models.errors import ModelError
from models.phrase_book import FOLDER, LANGUAGES, book_of, read_book

ENGLISH = (FOLDER / "en.yaml").read_text(encoding="utf-8")


def test_every_language_has_the_same_sections_families_and_warnings() -> None:
    english = book_of("en")
    for language in LANGUAGES:
        book = book_of(language)
        assert book.language == language
        assert book.families.keys() == english.families.keys()
        assert book.typical.keys() == english.typical.keys()
        assert book.warnings.keys() == english.warnings.keys()
        assert book.attributes.keys() == english.attributes.keys()
        assert book.units.plain.keys() == book.units.ago.keys() == english.units.plain.keys()
        for family, forms in english.families.items():
            # What English tells apart by the value, the others may tell in one sentence, but never by leaving a case out.
            assert {"other", "zero", "missing", "early", "never"} & forms.keys() == (
                {"other", "zero", "missing", "early", "never"} & book.families[family].keys()
            ), (language, family)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("language: en", "language: fr", "language"),
        ("language: en", "language: en\nmoods: {}", "moods"),
        ('quote: "“{text}”"', "", "quote"),
        ("{who} has {done} {times} {when}", "{who} has {does} {times} {when}", "'does'"),
        ("{who} has {done} {times} {when}", "{who} has {done} {times} {times} {when}", "more than one slot"),
        ("{who} has {done} {times} {when}", "{who} has {done:now} {times} {when}", "'done'"),
        ("{who} has {done} {times} {when}", "{who} has {done} {times!r} {when}", "'times'"),
        ('count: {zero: "{who} {not}"', 'count: {nothing: "{who} {not}"', "no form of a sentence: nothing"),
        ("instead:\n  any:\n    count:", "instead:\n  any:\n    counts:", "no such family: counts"),
        ('times: {"=1": once, "=2": twice, other: "{n} times"}', "times: {one: once}", "a plural has the forms"),
        ("did: reached a milestone, ", "", "behaviour milestone must have the forms"),
        ("  milestone: {did", "  milestones: {did", "every behaviour"),
    ],
)
def test_what_is_wrong_with_the_words_is_said(old: str, new: str, told: str) -> None:
    assert old in ENGLISH
    with pytest.raises(ModelError) as refused:
        read_book(ENGLISH.replace(old, new), "en.yaml")
    assert told in str(refused.value)


def test_a_key_twice_is_refused() -> None:
    with pytest.raises(InputError, match="key twice"):
        read_book(ENGLISH + "\nlanguage: en\n", "en.yaml")


def test_languages_are_known() -> None:
    with pytest.raises(ModelError, match="no words for this language"):
        book_of("fr")
