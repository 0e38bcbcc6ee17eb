"""A workspace's own words, event names and conditions in each language."""

from __future__ import annotations

import pytest

from features.workspaces.own_words import borrowed_words, own_words
from models.phrase_book import LANGUAGES
from models.phrasing import Phrasing
from tests.models.spoken_world import spoken_world, told_in

WORLD = spoken_world()


def say(name: str, value: float | None) -> list[str]:
    """Return a sentence in English, Turkish and German."""
    found = []
    for language in LANGUAGES:
        features, phrasing = told_in(language)
        found.append(phrasing.sentence(features[name], value, features.definition))
    return found


@pytest.mark.parametrize(
    ("name", "value", "english", "turkish", "german"),
    [
        ("own_exports_count_7d", 2.0, "Has exported a report twice in the last 7 days", "Son 7 günde 2 kez rapor dışa aktardı",
         "Hat in den letzten 7 Tagen 2-mal einen Bericht exportiert"),
        ("own_exports_count_7d", 0.0, "Has not exported a report in the last 7 days", "Son 7 günde hiç rapor dışa aktarmadı",
         "Hat in den letzten 7 Tagen nie einen Bericht exportiert"),
        ("own_exports_recency_h_all", None, "Has not exported a report yet", "Henüz hiç rapor dışa aktarmadı",
         "Hat noch nie einen Bericht exportiert"),
        ("mates_exports_people", 3.0, "3 other people on the team have exported a report in the last 7 days",
         "Son 7 günde ekibin geri kalanından 3 kişi rapor dışa aktardı",
         "Im übrigen Team haben in den letzten 7 Tagen 3 Personen einen Bericht exportiert"),
        ("told_count", 2.0, "Has booked a demo twice in the last 7 days", "Son 7 günde 2 kez tanıtım istedi",
         "Buchte in den letzten 7 Tagen 2-mal eine Vorführung"),
        ("told_recency", None, "Has not booked a demo yet", "Henüz hiç tanıtım istemedi",
         "Meldete sich noch nie zu einer Vorführung an"),
        ("uploads_count_7d", 2.0, "Has uploaded a file twice in the last 7 days",
         "Son 7 günde “uploaded a file” işlemini 2 kez yaptı",
         "Hat „uploaded a file“ in den letzten 7 Tagen 2-mal ausgelöst"),
        ("event_report_exported_count_7d", 0.0, "Has not triggered “report exported” in the last 7 days",
         "Son 7 günde “report exported” işlemini hiç yapmadı",
         "Hat „report exported“ in den letzten 7 Tagen nicht ausgelöst"),
        ("some_events", 1.0, "Has triggered “other event” or “some event” once in the last 30 days",
         "Son 30 günde “other event” veya “some event” işlemini bir kez yaptı",
         "Hat „other event“ oder „some event“ in den letzten 30 Tagen einmal ausgelöst"),
        ("asked_events", 1.0,
         "Has triggered “nps answered” (plan: pro or team plan; score: at least 9) once in the last 24 hours",
         "Son 24 saatte “nps answered” (plan: pro veya team plan; score: en az 9) işlemini bir kez yaptı",
         "Hat „nps answered“ (plan: pro oder team plan; score: mindestens 9) in den letzten 24 Stunden einmal ausgelöst"),
        ("page_events", 2.0, "Has viewed the page “/pricing…” twice in the last 7 days",
         "Son 7 günde “/pricing…” sayfasını 2 kez görüntüledi",
         "Hat die Seite „/pricing…“ in den letzten 7 Tagen 2-mal aufgerufen"),
        ("home_country", None, "Home country is not known", "Memleket: bilinmiyor", "Heimatland: nicht bekannt"),
        ("companyBudget", 5.0, "Company budget is 5", "Company budget: 5", "Company budget: 5"),
        ("company_size", 1000.0, "Company size is 1,000", "Şirket büyüklüğü: 1.000", "Unternehmensgröße: 1.000"),
    ],
)  # fmt: skip
def test_own_words_and_events(name: str, value: float | None, english: str, turkish: str, german: str) -> None:
    assert say(name, value) == [english, turkish, german]


def test_many_events_are_not_all_told() -> None:
    assert say("many_events", 2.0)[0] == "Has triggered “b c”, “d”, “e” and 2 more twice in the last 12 hours"
    assert "(paid: yes; score: less than 2.5)" in say("paid_events", 2.0)[0]
    assert "(paid: evet; score: 2,5 altı)" in say("paid_events", 2.0)[1]


def test_words_without_the_grammar_of_their_language_are_quoted() -> None:
    features, _ = told_in("tr")
    for phrase in ("rapor", "NPS"):
        words = Phrasing("tr", {"exports": phrase})
        told = words.sentence(features["own_exports_count_7d"], 2.0, features.definition)
        assert told == f"Son 7 günde “{phrase}” işlemini 2 kez yaptı"
    braces = Phrasing("en", {"exports": "Exported {a} re_port"})
    assert braces.sentence(features["own_exports_count_7d"], 1.0, features.definition) == (
        "Has exported a re port once in the last 7 days"
    )
    unknown = Phrasing("de").sentence(features["own_exports_count_7d"], 1.0, features.definition)
    assert unknown == "Hat „exports“ in den letzten 7 Tagen einmal ausgelöst"


def test_words_come_in_the_language_that_is_asked_for_and_others_are_borrowed() -> None:
    phrases = {"a": {"de": "tat etwas", "en": "did something"}, "b": {"tr": "bir şey yaptı"}, "c": "did it", "d": {}}
    assert own_words(phrases, {}, "de") == {"a": "tat etwas", "b": "bir şey yaptı", "c": "did it"}
    assert own_words(phrases, {}, "tr")["a"] == "did something"
    assert own_words({}, WORLD.behaviours, "en")["exports"] == "exported a report"
    assert borrowed_words(phrases, {}, "de", "en") == {"b", "c", "d"}
    assert borrowed_words(phrases, WORLD.behaviours, "en", "en") == {"b", "d"}
    assert Phrasing.of(spoken_world(language="tr")).language == "tr"
