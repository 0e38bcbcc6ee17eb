"""Names are folded alike wherever they come from."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.names import fold, is_pattern, matches, nearest


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Upgrade Page Viewed", "upgrade_page_viewed"),
        ("upgrade_page_viewed", "upgrade_page_viewed"),
        ("upgrade-page.viewed", "upgrade_page_viewed"),
        ("UpgradePageViewed", "upgrade_page_viewed"),
        ("upgradePage  - viewed", "upgrade_page_viewed"),
        ("NPSAnswered", "nps_answered"),
        ("userID", "user_id"),
        ("step2Done", "step2_done"),
        ("SIGNUP", "signup"),
        ("$pageview", "$pageview"),
        ("Ödeme Yapıldı", "ödeme_yapildi"),
        ("ÖDEME YAPILDI", "ödeme_yapildi"),
        ("web_seminerine_katildi", "web_seminerine_katildi"),
        ("WEB SEMİNERİNE KATILDI", "web_seminerine_katildi"),
        ("Web Seminerine Katıldı", "web_seminerine_katildi"),
        ("WEB SEMİNERİNE KATILDI".lower(), "web_seminerine_katildi"),
        ("semi\u0307Ner", "semi_ner"),
        ("ı\u0307\u0307\u0301", "í"),
        ("Ėta", "ėta"),
        ("o\u0308deme", "ödeme"),
        ("feature.*", "feature_*"),
        ("v?", "v?"),
        ("Page:/Pricing-EU.html", "page:/pricing-eu.html"),
        ("screen:Home Page", "screen:home page"),
        ("page:/YATIRIM/İletişim", "page:/yatirim/iletişim"),
        ("pages:A.b", "pages:a_b"),
        ("ǠϒA", "ǡϒa"),  # a capital without a small form begins no word, else folding twice would part it
        ("", ""),
    ],
)
def test_fold(name: str, folded: str) -> None:
    assert fold(name) == folded


TURKISH = st.text(st.sampled_from("ıIİiaA \u0307\u0301\u0323"), max_size=8)


@settings(deadline=None)
@given(st.text(max_size=30) | TURKISH | TURKISH.map("page:{}".format))
def test_folding_twice_changes_nothing(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@settings(deadline=None)
@given(st.lists(st.text("abcıişğ", min_size=2, max_size=6), min_size=1, max_size=4))
def test_turkish_folds_alike_whatever_has_put_it_into_capitals(words: list[str]) -> None:
    """Turkish capitals, capitals of a tool that knows no Turkish, and such a tool's small letters made of Turkish capitals."""
    small = " ".join(words)
    turkish = small.replace("i", "İ").replace("ı", "I").upper()
    folded = fold(small)
    assert {fold(form) for form in (turkish, small.upper(), turkish.lower(), small.title())} == {folded}
    assert "ı" not in folded
    assert "\u0307" not in folded


@settings(deadline=None)
@given(st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=4), st.sampled_from("-_. "))
def test_every_way_of_writing_words_folds_alike(words: list[str], separator: str) -> None:
    assert fold(separator.join(words)) == "_".join(words)
    assert fold("".join(word.capitalize() for word in words if len(word) > 1)) == "_".join(w for w in words if len(w) > 1)


@settings(deadline=None)
@given(st.text("ab*?[]!", max_size=6), st.text("ab[]!", max_size=6))
def test_only_star_and_question_mark_are_special(pattern: str, name: str) -> None:
    oracle = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    assert matches(pattern, name) == bool(re.fullmatch(oracle, name, re.DOTALL))


def test_is_pattern() -> None:
    assert is_pattern("a*")
    assert is_pattern("a?")
    assert not is_pattern("a[b]")


def test_nearest() -> None:
    assert nearest("behaviors", ["attributes", "behaviours"]) == "behaviours"
    assert nearest("zzz", ["attributes"]) is None
