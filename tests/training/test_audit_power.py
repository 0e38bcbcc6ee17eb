"""Ten kinds of planted leaks in simulated worlds: all found at their level, and nothing honest called a leak."""

from __future__ import annotations

import sys

import pytest

from features.reading.table_report import Finding
from training.audit_power import Power, main, measure
from training.leaks import KINDS, Planted, leaky_world


def perfect(power: Power, worlds: int) -> None:
    assert power.missed == []
    assert power.false_leaks == []
    assert power.false_asks == []
    assert len(power.found) == len(KINDS) == 10
    assert set(power.found.values()) == {worlds}


def test_one_world() -> None:
    perfect(measure([0]), 1)


@pytest.mark.slow
def test_the_worlds_of_every_build() -> None:
    perfect(measure(range(10)), 10)


def test_what_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    power = Power(worlds=2)
    power.planted.update({"a copy": 2, "a date": 2})
    power.found.update({"a copy": 2, "a date": 1})
    power.missed.append("seed 1: a date (x)")
    power.false_leaks.append("seed 0 clean: y (z)")
    monkeypatch.setattr("training.audit_power.measure", lambda seeds: power if list(seeds) == [5, 6] else None)
    monkeypatch.setattr(sys, "argv", ["audit_power", "--seeds", "2", "--first", "5"])
    main()
    text = capsys.readouterr().out
    assert "a copy                                      2 of 2    1.000 [0.342, 1.000]" in text
    assert "all                                         3 of 4    0.750" in text
    assert "false leaks in 4 worlds: 1: seed 0 clean: y (z)" in text
    assert "false questions in 4 worlds: 0" in text
    assert "missed: seed 1: a date (x)" in text


def test_misses_and_false_alarms_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit that calls everything a question misses the leaks and is wrong about the rest."""
    monkeypatch.setattr(
        "training.audit_power.audit", lambda ws, tables: [Finding("ask", name, "") for name in ("field_a", "country")]
    )
    monkeypatch.setattr("training.audit_power.leaky_world", lambda seed: (None, None, (Planted("copy", "leak", ("field_a",)),)))
    monkeypatch.setattr("training.audit_power.clean_world", lambda seed: (None, None))
    power = measure([3])
    assert power.missed == ["seed 3: copy (field_a)"]
    assert power.found["copy"] == 0
    assert [one.split(" (")[0] for one in power.false_asks] == [
        "seed 3 clean: field_a",
        "seed 3 clean: country",
        "seed 3 leaky: country",
    ]


def test_a_world_is_drawn_by_its_seed() -> None:
    _, tables, planted = leaky_world(4)
    _, again, same = leaky_world(4)
    assert planted == same
    assert [one.level for one in planted].count("leak") == 6
    assert (tables.events.at == again.events.at).all()
    assert {name for one in planted for name in one.names} <= {*tables.leads.attributes, *tables.events.names}
    assert leaky_world(5)[2] != planted or leaky_world(6)[2] != planted
