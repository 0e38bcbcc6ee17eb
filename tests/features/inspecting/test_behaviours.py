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
