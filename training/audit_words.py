"""The words that say that a column is written or updated after sign-up, in English, Turkish and German.

A word counts where it stands as a word of its own: ``lead_quality``, ``leadQuality`` and ``Lead Quality`` have the word
``quality``, ``indexed`` has not the word ``index``. The words are generic; no data set gave them.
"""

from __future__ import annotations

import re

from features.names import fold


def _listed(text: str) -> frozenset[str]:
    return frozenset(map(fold, text.split()))


ENGLISH = _listed(
    """
    last latest recent newest final updated modified changed edited refreshed
    status statuses stage stages phase lifecycle disposition outcome outcomes result results progress
    tag tags label labels flag flags grade grades tier rank ranking rating ratings quality score scores scoring index indices
    profile segment cluster potential priority probability likelihood propensity forecast prediction predicted
    owner owners assignee assigned rep salesperson handler contacted called qualified disqualified approved rejected
    converted conversion won lost closed churn churned cancelled canceled paid payment payments invoice invoiced billing
    subscription subscribed renewal renewed upgraded downgraded mrr arr ltv lifetime
    remark remarks comment comments note notes feedback
    """
)
TURKISH = _listed(
    """
    son sonuncu güncel güncelleme güncellenme güncellendi güncellenen değiştirilme değişiklik
    durum durumu statü statüsü aşama aşaması evre evresi safha safhası sonuç sonucu
    etiket etiketi etiketler kalite kalitesi nitelik puan puanı skor skoru derece derecesi notu notlar endeks endeksi indeks
    profil profili segment segmenti öncelik önceliği olasılık olasılığı tahmin tahmini
    sahip sahibi sorumlu sorumlusu temsilci temsilcisi atanan atanma
    dönüşüm kazanıldı kaybedildi kapandı kapanış iptal ödeme ödemesi fatura abonelik aboneliği yenileme
    yorum yorumu açıklama
    """
)
GERMAN = _listed(
    """
    letzte letzter letztes letzten letztem zuletzt neueste neuester neuestes aktuell aktuelle aktueller aktuelles
    aktualisiert geändert änderung bearbeitet
    stand zustand stufe stadium phase ergebnis fortschritt
    schlagwort schlagworte schlagwörter etikett markierung qualität güte punkte punktzahl punktestand bewertung note wertung rang
    einstufung kennzahl
    profil priorität wahrscheinlichkeit prognose vorhersage potenzial
    besitzer eigentümer inhaber zuständig zuständiger betreuer bearbeiter verantwortlich verantwortlicher zugewiesen
    konvertiert gewonnen verloren abgeschlossen abschluss gekündigt kündigung bezahlt zahlung rechnung abo abonnement
    verlängerung bemerkung kommentar notiz
    """
)
TIMELESS = frozenset(("last_name", "lastname", "letzter_name", "son_isim", "son_ad"))
"""A person's last name is nobody's last activity."""

_GAPS = re.compile(r"[\W_]+")
_NUMBERED = re.compile(r"\d+$")


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a column's name, in small letters.

    >>> words_of("leadQualityScore"), words_of("Son Aktivite"), words_of("crm.letzter-Kontakt_2")
    (('lead', 'quality', 'score'), ('son', 'aktivite'), ('crm', 'letzter', 'kontakt'))
    """
    return tuple(word for part in _GAPS.split(fold(name)) if (word := _NUMBERED.sub("", part)))


def telling_word(name: str) -> str | None:
    """Return the word of a name that says that its value is written or updated later, if there is one.

    >>> telling_word("Lead Quality"), telling_word("accountOwner"), telling_word("son_giriş"), telling_word("Bewertung")
    ('quality', 'owner', 'son', 'bewertung')
    >>> telling_word("index_finger_size"), telling_word("indexed"), telling_word("last_name"), telling_word("country")
    ('index', None, None, None)
    """
    words = words_of(name)
    if "_".join(words) in TIMELESS:
        return None
    return next((word for word in words if word in ENGLISH or word in TURKISH or word in GERMAN), None)
