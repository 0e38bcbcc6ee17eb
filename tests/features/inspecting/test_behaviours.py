"""Event names are sorted by their words."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.inspecting.behaviours import count_names, guess_events, has_stem
from features.inspecting.event_words import BEHAVIOUR_STEMS, PAYMENT_STEMS, START_STEMS
from features.names import fold
from features.reading.sources import open_file
from features.workspaces.behaviours import VOCABULARY


@pytest.mark.parametrize(
    ("name", "behaviour"),
    [
        ("Webinar Invite Opened", "marketing"),
        ("Webinar Joined", "education"),
        ("call_completed", "sales"),
        ("recall_sent", "core_use"),
        ("project created", "milestone"),
        ("ticket.created", "support"),
        ("error.upload", "friction"),
        ("page:/pricing/eu", "purchase_intent"),
        ("Fatura Hatası", "friction"),
        ("Hilfe geöffnet", "support"),
        ("thumbs down", "negative_feedback"),
        ("thumbs up", "positive_feedback"),
        ("Teammate Invited", "collaboration"),
        ("Add-on Bought", "add_on"),
        ("Newsletter Subscribed", "marketing"),
        ("Webinar Registered", "education"),
        ("webinar_sign_up", "education"),
        ("Sesión Iniciada", "session"),
        ("sesion iniciada", "session"),
        ("Informe Descargado", "core_use"),
        ("Compañero Invitado", "collaboration"),
        ("Page des Prix Vue", "purchase_intent"),
        ("Tâche Terminée", "milestone"),
        ("Termin vereinbart", "sales"),
        ("Datei hochgeladen", "core_use"),
        ("Oturum Açıldı", "session"),
        ("RAPOR OLUSTURULDU", "milestone"),
        ("zzz", None),
        ("feature?", None),
        ("x" * 501, None),
        (" ", None),
    ],
)
def test_guesses(name: str, behaviour: str | None) -> None:
    guess = guess_events({fold(name): 3})
    assert list(guess.behaviours) == ([behaviour] if behaviour else [])
    assert guess.taken == ({behaviour: 3} if behaviour else {})
    assert guess.unmapped == ({} if behaviour else {fold(name): 3})


def test_payment_and_start_stay_out() -> None:
    guess = guess_events({"stripe_subscription_started": 1, "converted": 1, "trial_started_web": 1, "registered": 1})
    assert guess.payments == ("converted", "stripe_subscription_started")
    assert guess.starts == ("registered", "trial_started_web")
    assert guess.behaviours == {}


@pytest.mark.parametrize(
    "name", ["Ödeme Alındı", "odeme_alindi", "Zahlung erhalten", "Pago Recibido", "Paiement reçu", "purchase"]
)
def test_a_payment_in_any_language(name: str) -> None:
    assert guess_events({fold(name): 2}).kept == {fold(name): 2}
    assert guess_events({fold(name): 2}).payments == (fold(name),)


@pytest.mark.parametrize("name", ["Deneme Başladı", "Konto erstellt", "Prueba Iniciada", "Compte créé", "Signed Up"])
def test_a_start_in_any_language(name: str) -> None:
    assert guess_events({fold(name): 2}).starts == (fold(name),)


def test_pages_are_no_payments_and_one_pattern_where_they_begin_alike() -> None:
    names = {"page:/docs/a": 1, "page:/docs/b/c": 1, "page:/docs/d": 1, "page:/docs": 1, "page:/thanks/order_completed": 1}
    guess = guess_events(names)
    assert guess.behaviours["education"] == ("page:/docs", "page:/docs/*")
    assert guess.payments == ()
    mixed = guess_events({"page:/app/docs": 1, "page:/app/pricing": 1, "page:/app/tutorial": 1})
    assert "page:/app/*" not in str(mixed.behaviours)


def test_a_family_of_names_is_one_pattern() -> None:
    names = {"export_a": 1, "export_b": 1, "export_c": 1, "report_a": 1, "report_b": 1, "search": 1}
    assert guess_events(names).behaviours == {"core_use": ("export_*", "report_a", "report_b", "search")}
    split = guess_events({"export_a": 1, "export_b": 1, "export_c": 1, "export_error": 1})
    assert split.behaviours == {"core_use": ("export_a", "export_b", "export_c"), "friction": ("export_error",)}


def test_unmapped_names_come_by_frequency() -> None:
    assert list(guess_events({"zz": 1, "yy": 5, "xx": 1}).unmapped) == ["yy", "xx", "zz"]


def test_the_lists_are_folded_and_of_the_vocabulary() -> None:
    assert set(BEHAVIOUR_STEMS) == set(VOCABULARY)
    for stems in (PAYMENT_STEMS, START_STEMS, *BEHAVIOUR_STEMS.values()):
        for stem in stems:
            assert stem.rstrip("_") == fold(stem.rstrip("_"))
            assert has_stem(stem, stem)


def test_names_are_counted_over_files(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text('event\nApp Opened\nappOpened\n""\nother\n')
    assert count_names([open_file(tmp_path / "a.csv"), open_file(tmp_path / "b.csv")], "event") == {"app_opened": 4, "other": 2}


def test_a_name_may_be_a_term(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("event,path\nview,/x\nclick,/y\n")
    assert count_names([open_file(tmp_path / "a.csv")], "page:{path} if event = view or event") == {"page:/x": 1, "click": 1}
