"""Values are written as people of each language write them; CLDR, through Babel, is the judge."""

from __future__ import annotations

import pytest
from babel import Locale
from babel.numbers import format_decimal, format_percent

from models.phrase_book import LANGUAGES, book_of
from models.phrase_values import Values, plural, whole_days

ENGLISH, TURKISH, GERMAN = (Values(book_of(language)) for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_those_of_cldr(language: str) -> None:
    values = Values(book_of(language))
    for number in (0, 1, 2, 10, 999, 1000, 1001, 12_345, 1_234_567, 0.5, 0.25, 3.75, -1000):
        assert values.number(number) == format_decimal(number, locale=language).replace("\N{MINUS SIGN}", "-")
    assert values.number(61.5, places=2) == format_decimal(61.5, "#,##0.00", locale=language)
    assert values.number(1234.5, places=2) == format_decimal(1234.5, "#,##0.00", locale=language)
    assert values.number(0.00001234) == format_decimal(0.0000123, "0.0000000", locale=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_are_those_of_cldr(language: str) -> None:
    for number in (0, 1, 2, 3, 5, 11, 21, 100, 101, 1000, 1_000_000):
        assert plural({"one": "", "other": ""}, number) == Locale(language).plural_form(number)
    # Fractions, of which CLDR takes some Turkish ones for 1: nobody says a noun in the plural after a number there anyway.
    assert plural({"one": "", "other": ""}, 1.5) == Locale(language).plural_form(1.5)


@pytest.mark.parametrize("language", LANGUAGES)
def test_percentages_are_those_of_cldr_with_a_plain_blank(language: str) -> None:
    values = Values(book_of(language))
    for share in (0.0, 0.01, 0.12, 0.5, 1.0):
        # In English CLDR has no blank; we write one in all sentences that a person may read beside a formula.
        assert values.percent(share).replace(" ", "") == format_percent(share, locale=language).replace("\N{NO-BREAK SPACE}", "")
    assert values.percent(0.004) not in (values.percent(0.0), values.percent(0.01))
    assert values.percent(0.996) not in (values.percent(1.0), values.percent(0.99))


@pytest.mark.parametrize(
    ("seconds", "english", "turkish", "german"),
    [
        (0.0, "just now", "az önce", "gerade eben"),
        (1.0, "1 second ago", "1 saniye önce", "vor einer Sekunde"),
        (59.6, "1 minute ago", "1 dakika önce", "vor einer Minute"),
        (1800.0, "30 minutes ago", "30 dakika önce", "vor 30 Minuten"),
        (3600.0, "1 hour ago", "1 saat önce", "vor einer Stunde"),
        (5400.0, "90 minutes ago", "90 dakika önce", "vor 90 Minuten"),
        (7200.0, "2 hours ago", "2 saat önce", "vor 2 Stunden"),
        (86_400.0, "1 day ago", "1 gün önce", "vor einem Tag"),
        (36 * 3600.0, "36 hours ago", "36 saat önce", "vor 36 Stunden"),
        (47.8 * 3600.0, "2 days ago", "2 gün önce", "vor 2 Tagen"),
        (1000 * 86_400.0, "1,000 days ago", "1.000 gün önce", "vor 1.000 Tagen"),
    ],
)
def test_times_ago_are_in_natural_units(seconds: float, english: str, turkish: str, german: str) -> None:
    assert [one.span(seconds, ago=True) for one in (ENGLISH, TURKISH, GERMAN)] == [english, turkish, german]


def test_time_spent_is_never_days() -> None:
    assert [ENGLISH.spent(seconds) for seconds in (0.2, 45, 61, 3600, 90 * 60, 200_000)] == [
        "less than a second", "45 seconds", "1 minute", "1 hour", "90 minutes", "56 hours",
    ]  # fmt: skip


def test_events_known_by_their_day_are_told_in_days() -> None:
    assert [whole_days("recency_h", hours) for hours in (0.0, 15.0, 24.0)] == [1, 1, 2]
    assert [whole_days("time_to_first_h", hours) for hours in (0.0, 24.0, 24.5, 48.0)] == [0, 0, 1, 1]
    assert ENGLISH.say("recency_h", 15.0, by_day=True) == "1 day ago"
    assert GERMAN.say("time_to_first_h", 50.0, by_day=True) == "2 Tage"
    assert GERMAN.say("recency_h", 30.0, by_day=True) == "vor 2 Tagen"


def test_years_are_not_counted() -> None:
    assert GERMAN.attribute("founding_year", 1998.0) == GERMAN.attribute("Gründungsjahr", 1998.0) == "1998"
    assert GERMAN.attribute("seats", 1998.0) == "1.998"
    assert TURKISH.attribute("year", 0.5) == "0,5"


def test_ratios_and_trends() -> None:
    assert [GERMAN.say("ratio_to", value) for value in (0.0, 0.04, 1.0, 3.24)] == ["0", "25", "1", "3,2"]
    assert [TURKISH.say("trend", value) for value in (0.1, 0.52, 0.9)] == ["daha seyrek", "aynı sıklıkta", "daha sık"]
    assert ENGLISH.say("amount_mean", 61.5) == "61.50"
