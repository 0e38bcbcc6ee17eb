"""Names that say that a value is written later, in three languages, as words and never as parts of words."""

from __future__ import annotations

import pytest

from training.audit_words import telling_word, words_of


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("last_activity", "last"),
        ("LastNotableActivity", "last"),
        ("Lead Quality", "quality"),
        ("leadQuality2", "quality"),
        ("crm.lifecycle-stage", "lifecycle"),
        ("TAGS", "tags"),
        ("account owner", "owner"),
        ("Activity Index (02)", "index"),
        ("son_giriş", "son"),
        ("MÜŞTERİ DURUMU", "durumu"),
        ("İptal Tarihi", "iptal"),
        ("puanı", "puani"),
        ("OLASILIĞI", "olasiliği"),
        ("letzter Kontakt", "letzter"),
        ("zuständigerBetreuer", "zuständiger"),
        ("zuständiger_mitarbeiter", "zuständiger"),
        ("Qualität", "qualität"),
    ],
)
def test_words_that_tell(name: str, word: str) -> None:
    assert telling_word(name) == word


@pytest.mark.parametrize(
    "name",
    [
        "country", "company_size", "channel", "lasting_value", "indexed", "scoreboard", "staged", "ownership", "vintage",
        "last_name", "Last Name", "lastname", "What is your current job", "Get updates by mail", "Do Not Call", "state",
        "num_of_prev_attempts", "sonata", "standort", "notebook", "c37", "profiler",
    ],
)  # fmt: skip
def test_words_that_do_not(name: str) -> None:
    assert telling_word(name) is None


def test_words_of_a_name() -> None:
    assert words_of("Page Views Per Visit") == ("page", "views", "per", "visit")
    assert words_of("__x__") == ("x",)
    assert words_of("123") == ()
