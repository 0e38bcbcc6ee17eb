"""Every feature says something that people can read, whatever its value, in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from features.feature import Feature
from features.selectors import OWN
from features.workspaces.behaviours import ANY, VOCABULARY
from features.workspaces.own_features import FAMILIES
from models.errors import ModelError
from models.phrase_book import FOLDER, LANGUAGES, book_of
from models.phrasing import Phrasing, family_of, typical_kinds
from tests.models.phrases_sample import SAMPLE, sample
from tests.models.spoken_world import spoken_world, told_in

VALUES = (0.0, 1.0, 2.0, 1000.0, 0.004, 0.35, 0.998, None)
WORLD = spoken_world()

SHARED = {
    "tr": {"plan", "en", "on"},
    "de": {"in", "am", "an", "war", "hat", "team", "teams", "upgrade", "support", "community", "feedback", "marketing",
           "trend", "plan", "browser", "region", "negative", "positive", "die", "so", "des", "kam", "was", "minute", "name",
           "person"},
}  # fmt: skip
"""Words of en.yaml that are words of the other language too."""


def built_in(feature: Feature) -> bool:
    """Tell whether nobody but us named anything that a feature's sentence may quote."""
    named = feature.selector is not None and (feature.selector.startswith(OWN) or feature.selector not in (*VOCABULARY, ANY))
    return not named and feature.name not in ("home_country", "companyBudget", "founding_year") and "told" not in feature.name


def english_words() -> set[str]:
    """Return the vocabulary of en.yaml: all letters of its texts, without keys and slots."""
    text = re.sub(r"(?m)#.*$", "", (FOLDER / "en.yaml").read_text(encoding="utf-8"))
    text = re.sub(r"\{[a-z_]+(:[^{}]*(\{[a-z]+\})?)?\}|[\w=\"]+:", lambda found: f" {found[1] or ''} ", text)
    return {word.lower() for word in re.findall(r"[^\W\d_]{2,}", text)}


def spoken(language: str) -> Iterator[tuple[Feature, str]]:
    """Yield every sentence, and every sentence on what is typical, of every feature at every value."""
    for resolution in ("second", "day"):
        features, phrasing = told_in(language, resolution)
        for feature in features.features:
            kind = typical_kinds((feature,))[feature.name]
            for value in ("DE", "Bonn", None) if feature.kind == "category" else VALUES:
                yield feature, phrasing.sentence(feature, value, features.definition)
                if value is None:
                    yield feature, phrasing.sentence(feature, value, features.definition, early=True)
                for number in (0.0, 0.31, 1.0) if value is not None else ():
                    told = "values" if feature.kind == "category" else kind
                    text = phrasing.typical(feature, told, number, value, features.definition)
                    yield feature, text[0].upper() + text[1:]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_feature_makes_a_sentence_at_every_value(language: str) -> None:
    english = english_words() - SHARED.get(language, set())
    assert {"has", "looked", "trials", "upgrade", "times", "nobody"} <= english | SHARED.get(language, set())
    families = set()
    seen = set()
    for feature, text in spoken(language):
        families.add(feature.family)
        if text in seen:
            continue
        seen.add(text)
        assert not set("_{}\ue000") & set(text), text
        assert feature.name not in text or "_" not in feature.name, text
        assert "  " not in text, text
        assert text[0].isupper() or text[0].isdigit() or text[0] in "%“„", text
        assert text[-1] not in ".,;: ", text
        assert not re.search(r" [,.;)]|\( ", text), text
        if language != "en" and built_in(feature):
            words = {word.lower() for word in re.findall(r"[^\W\d_]{2,}", text)}
            assert not words & english - {"bonn"}, (feature.name, text)
    assert {*FAMILIES, "reached_3", "ratio_to_session", "people", "trial_age_d", "trial_left_d", "attribute"} <= families


def test_the_committed_sample_is_what_is_said() -> None:
    same = SAMPLE.read_text(encoding="utf-8") == sample()  # pytest would spend minutes on what differs
    assert same, "run python -m tests.models.phrases_sample, and read what changed"


@pytest.mark.parametrize(
    ("name", "value", "english", "turkish", "german"),
    [
        ("own_purchase_intent_count_7d", 3.0, "Has looked at the upgrade page 3 times in the last 7 days",
         "Son 7 günde plan yükseltme sayfasına 3 kez baktı", "Hat die Upgrade-Seite in den letzten 7 Tagen 3-mal angesehen"),
        ("own_purchase_intent_count_7d", 0.0, "Has not looked at the upgrade page in the last 7 days",
         "Son 7 günde plan yükseltme sayfasına hiç bakmadı", "Hat die Upgrade-Seite in den letzten 7 Tagen nicht angesehen"),
        ("own_collaboration_recency_h_all", None, "Has not worked with teammates yet",
         "Ekip arkadaşlarıyla henüz hiç birlikte çalışmadı", "Hat noch nicht mit anderen zusammengearbeitet"),
        ("own_friction_ratio_to_session_7d", 0.25, "Has run into trouble once every 4 visits in the last 7 days",
         "Son 7 günde her 4 ziyarette bir kez sorun yaşadı",
         "Ist in den letzten 7 Tagen im Schnitt einmal pro 4 Besuche auf Probleme gestoßen"),
        ("own_friction_ratio_to_session_7d", None, "Has not opened the product in the last 7 days",
         "Son 7 günde ürünü hiç açmadı", "Hat das Produkt in den letzten 7 Tagen nicht geöffnet"),
        ("own_session_trend_12h", 0.0, "Has not opened the product in the last 12 hours, but did in the 12 hours before",
         "Önceki 12 saatte ürünü açtı, son 12 saatte ise hiç açmadı",
         "Hat das Produkt in den letzten 12 Stunden nicht geöffnet, in den 12 Stunden davor aber schon"),
        ("own_session_trend_7d", None, "Has not opened the product in the last 14 days", "Son 14 günde ürünü hiç açmadı",
         "Hat das Produkt in den letzten 14 Tagen nicht geöffnet"),
        ("own_core_use_duration_sum_s_7d", 7260.0, "Has spent 2 hours using the product's features in the last 7 days",
         "Son 7 günde ürünün özelliklerini kullanırken toplam 2 saat geçirdi",
         "Hat in den letzten 7 Tagen insgesamt 2 Stunden mit Funktionen des Produkts verbracht"),
        ("own_add_on_amount_sum_7d", 1234.5, "The total amount for add-ons in the last 7 days is 1,234.50",
         "Son 7 gündeki ek paket alımlarının toplam tutarı 1.234,50",
         "Gesamtbetrag für Zusatzpakete in den letzten 7 Tagen: 1.234,50"),
        ("any_night_share_all", 0.333, "Has taken 33 % of their actions at night (10 pm to 6 am) so far",
         "Şimdiye kadarki işlemlerinin %33 kadarı gece 22.00-06.00 arasına denk geldi",
          "War bisher zu 33 % zwischen 22 und 6 Uhr aktiv"),
        ("mates_any_people", 3.0, "3 other people on the team have been active in the last 7 days",
         "Son 7 günde ekibin geri kalanından 3 kişi aktif oldu", "Im übrigen Team waren in den letzten 7 Tagen 3 Personen aktiv"),
        ("mates_sales_recency_h", None, "The rest of the team has not talked to sales yet, as far as is known",
         "Bilindiği kadarıyla ekibin geri kalanı satış ekibiyle henüz hiç görüşmedi",
         "Das übrige Team hat noch nicht mit dem Vertrieb gesprochen, soweit bekannt"),
        ("mates_sales_people", None, "It is not known who else is on the team", "Ekipte başka kimlerin olduğu bilinmiyor",
         "Wer sonst zum Team gehört, ist nicht bekannt"),
        ("trial_age_d", 3.2, "The trial began 3 days ago", "Deneme 3 gün önce başladı", "Die Testphase hat vor 3 Tagen begonnen"),
        ("trial_left_d", 0.0, "The trial is over", "Deneme süresi doldu", "Die Testphase ist vorbei"),
        ("profile_filled", 0.5, "Has filled in 50 % of the profile", "Profilini %50 oranında doldurdu",
         "Hat das Profil zu 50 % ausgefüllt"),
        ("country", "Bonn", "Country is Bonn, which is rare", "Ülke: Bonn (nadir)", "Land: Bonn (selten)"),
        ("country", None, "Country is not known", "Ülke: bilinmiyor", "Land: nicht bekannt"),
    ],
)  # fmt: skip
def test_sentences_read_well(name: str, value: float | str | None, english: str, turkish: str, german: str) -> None:
    found = []
    for language in LANGUAGES:
        features, phrasing = told_in(language)
        found.append(phrasing.sentence(features[name], value, features.definition))
    assert found == [english, turkish, german]


def test_not_yet_possible_is_not_never() -> None:
    features, phrasing = told_in("en")
    trend = features["own_session_trend_7d"]
    assert phrasing.sentence(trend, None, features.definition, early=True) == "It is too early to see a trend in visits"
    unused = features["own_core_use_names_unused_7d"]
    assert phrasing.sentence(unused, None, features.definition, early=True).startswith("It is too early to say")
    unknown = phrasing.sentence(unused, None, features.definition)
    assert unknown == "It is not known yet which features of the product are commonly used"
    never = features["own_session_recency_h_all"]
    assert phrasing.sentence(never, None, features.definition, early=True) == "Has not opened the product yet"


@pytest.mark.parametrize(
    ("name", "kind", "number", "value", "english", "german"),
    [
        ("own_session_count_7d", "share", 0.0849, 3.0, "8 % of trials of this age have done so at least once",
         "bei 8 % der Testkunden kam das nach gleicher Testzeit mindestens einmal vor"),
        ("own_collaboration_count_7d", "share", 0.31, 0.0, "31 % of trials of this age have",
         "bei 31 % der Testkunden ist das nach gleicher Testzeit anders"),
        ("own_session_count_7d", "share", 0.001, 0.0, "under 1 % of trials of this age have",
         "bei weniger als 1 % der Testkunden ist das nach gleicher Testzeit anders"),
        ("own_session_count_7d", "share", 0.0, 0.0, "no trial of this age has",
         "wie bei allen anderen Testkunden nach gleicher Testzeit"),
        ("own_session_reached_3_all", "share", 0.2, 1.0, "20 % of trials of this age have",
         "20 % der Testkunden kommen nach gleicher Testzeit auf diese Zahl"),
        ("own_session_recency_h_all", "median", 30.0, 1.0, "typical for a trial of this age: 30 hours ago",
         "nach gleicher Testzeit typisch: vor 30 Stunden"),
        ("own_session_trend_7d", "median", 0.2, 0.5, "typical for a trial of this age: less often",
         "nach gleicher Testzeit typisch: seltener"),
        ("home_country", "values", 0.05, "DE", "5 % of leads have this value", "5 % der Testkunden haben diesen Wert"),
        ("home_country", "values", 0.05, "Bonn", "5 % of leads have a rare value",
         "5 % der Testkunden haben einen seltenen Wert"),
        ("company_size", "median", 12.0, 5.0, "for a typical lead it is 12", "typisch: 12"),
        ("mates_session_people", "share", 0.0849, 2.0,
         "in 8 % of team trials of this age, someone else on the team has opened the product in that time",
         "bei 8 % der Testkunden mit Team kam das dort nach gleicher Testzeit mindestens einmal vor"),
        ("mates_session_people", "share", 0.0849, 0.0, "in 8 % of team trials of this age, someone else on the team has",
         "bei 8 % der Testkunden mit Team ist das dort nach gleicher Testzeit anders"),
        ("mates_session_recency_h", "median", 30.0, 1.0, "typical for the rest of a team in a trial of this age: 30 hours ago",
         "in Teams nach gleicher Testzeit typisch: vor 30 Stunden"),
        ("mates_add_on_amount_sum", "share", 0.31, 1.0, "31 % of teams in trials of this age have an amount on record",
         "bei 31 % der Testkunden mit Team ist dort nach gleicher Testzeit ein Betrag erfasst"),
        ("own_friction_ratio_to_session_7d", "median", 0.04, 0.5, "typical for a trial of this age: once every 25 visits",
         "nach gleicher Testzeit typisch: einmal pro 25 Besuche"),
        ("own_friction_ratio_to_session_7d", "median", 3.2, 0.5, "typical for a trial of this age: 3.2 times per visit",
         "nach gleicher Testzeit typisch: 3,2-mal pro Besuch"),
        ("own_friction_ratio_to_session_7d", "median", 1.0, 0.5, "typical for a trial of this age: once per visit",
         "nach gleicher Testzeit typisch: einmal pro Besuch"),
        ("own_friction_ratio_to_session_7d", "median", 0.0, 0.5, "typical for a trial of this age: never",
         "nach gleicher Testzeit typisch: kein einziges Mal"),
    ],
)  # fmt: skip
def test_what_is_typical(name: str, kind: str, number: float, value: float | str | None, english: str, german: str) -> None:
    found = []
    for language in ("en", "de"):
        features, phrasing = told_in(language)
        found.append(phrasing.typical(features[name], kind, number, value, features.definition))
    assert found == [english, german]


def test_what_is_typical_is_a_median_or_a_share() -> None:
    features, phrasing = told_in("tr")
    kinds = typical_kinds(features.features)
    assert (kinds["mates_session_people"], kinds["mates_session_recency_h"]) == ("share", "median")
    assert (kinds["own_session_count_7d"], kinds["company_size"]) == ("share", "median")
    lacking = phrasing.typical(features["own_collaboration_count_7d"], "share", 0.31, 0.0, features.definition)
    assert lacking == "ürünü aynı süredir deneyenlerin %31 kadarı ise birlikte çalıştı"
    assert family_of(features["country"]) == ("category", "")


def test_almost_none_and_almost_all_are_said_without_stumbling() -> None:
    features, phrasing = told_in("tr")
    sessions, night = features["own_session_count_7d"], features["any_night_share_all"]
    told = [phrasing.typical(sessions, "share", share, 2.0, features.definition) for share in (0.001, 0.35, 0.999)]
    assert told == [
        "ürünü aynı süredir deneyenlerin %1’den azı en az bir kez açtı",
        "ürünü aynı süredir deneyenlerin %35 kadarı en az bir kez açtı",
        "ürünü aynı süredir deneyenlerin %99’dan fazlası en az bir kez açtı",
    ]
    assert "işlemlerinin %1’den azı gece" in phrasing.sentence(night, 0.001, features.definition)
    ratio = features["own_friction_ratio_to_session_7d"]
    assert phrasing.typical(ratio, "median", 0.04, 0.5, features.definition) == (
        "ürünü aynı süredir deneyenlerde genellikle her 25 ziyarette bir kez"
    )
    assert phrasing.warning("beyond_trained_age", days=phrasing.number(12.5)).count("12,5 gün") == 1


def test_by_the_day_there_are_no_hours() -> None:
    features, phrasing = told_in("en", "day")
    words = phrasing.sentence(features["session_recency_h"], 15.0, features.definition)
    assert words == "Last opened the product 1 day ago"
    first = phrasing.sentence(features["any_time_to_first_h"], 20.0, features.definition)
    assert first == "Was active right at the start of the trial"


def test_words_are_put_together_once_for_requests_that_come_anew() -> None:
    features, _ = told_in("de")
    feature = features["own_session_count_7d"]
    one, other = Phrasing.of(WORLD, "de"), Phrasing.of(WORLD, "de")
    assert one._told(feature, features.definition) is other._told(feature, features.definition)
    mine = replace(one, own={**one.own, "session": "hat sich angemeldet"})
    assert mine.sentence(feature, 2.0, features.definition) == "Hat sich in den letzten 7 Tagen 2-mal angemeldet"
    assert one.sentence(feature, 2.0, features.definition) == "Hat das Produkt in den letzten 7 Tagen 2-mal geöffnet"


def test_warnings_have_texts_and_languages_are_known() -> None:
    for language in LANGUAGES:
        for code in book_of(language).warnings:
            assert not set("_{}") & set(Phrasing(language).warning(code, days="3", names="country", version="2"))
    with pytest.raises(ModelError, match="no words for this language"):
        Phrasing("fr")
