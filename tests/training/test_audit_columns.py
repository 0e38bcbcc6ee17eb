"""Columns that a lead brings: copies of the outcome are leaks, honest columns are not, and some only a person can judge."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

import training
from features.reading.table_report import Finding
from training.audit_columns import column_leaks, column_questions
from training.column_power import Judged, folds_of

N = 2000
RNG = np.random.default_rng(0)
PAID = RNG.random(N) < 0.15
JUDGED = Judged(np.arange(N), PAID.astype(np.int64), folds_of(np.arange(N)))


def texts(choices: list[str], there: Any = True) -> np.ndarray:
    values = np.random.default_rng(len(choices)).choice(choices, N).astype(object)
    values[~np.broadcast_to(there, N)] = None
    return values


def chance(of_payers: float, of_others: float, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random(N) < np.where(PAID, of_payers, of_others)


def leaks(**columns: np.ndarray) -> dict[str, Finding]:
    return {finding.column: finding for finding in column_leaks(columns, JUDGED)}


def asks(judged: Judged = JUDGED, **columns: np.ndarray) -> dict[str, str]:
    return {finding.column: finding.evidence for finding in column_questions(columns, judged)}


def test_copies_of_the_outcome() -> None:
    found = leaks(
        text=np.where(chance(0.96, 0.03), "in", "out").astype(object),
        number=chance(0.97, 0.02) * 1.0,
        gap=np.where(chance(0.95, 0.02), 1.0, np.nan),
    )
    assert set(found) == {"text", "number", "gap"}
    assert all(finding.level == "leak" for finding in found.values())
    assert re.search(rf"AUC of 0\.9\d\d out of fold \(2,000 leads, {PAID.sum()} conversions\)", found["text"].evidence)


def test_a_value_that_only_buyers_have() -> None:
    plan = np.where(chance(0.6, 0.001), "pro", "free").astype(object)
    price = np.where(chance(0.6, 0.001), 49.0, 0.0)
    found = leaks(plan=plan, price=price)
    assert set(found) == {"plan", "price"}
    bought = int(((plan == "pro") & PAID).sum())
    assert f"'pro' converts in {bought} of {(plan == 'pro').sum()} cases, at large 1" in found["plan"].evidence
    assert "; AUC 0.8" in found["plan"].evidence
    assert "49 converts in" in found["price"].evidence


def test_strong_and_honest() -> None:
    steep = np.random.default_rng(5).normal(PAID * 1.5, 1.0)
    assert not leaks(
        source=np.where(chance(0.5, 0.1), "friend", "advert").astype(object),
        rare=np.where(chance(0.1, 0.0), "partner", "advert").astype(object),  # all of them convert, but they are few
        steep=steep,
        whole=np.round(steep * 3),
        form=texts(["a", "b"], chance(0.9, 0.6)),
        nothing=np.full(N, np.nan),
    )


def test_what_a_name_says() -> None:
    found = asks(leadScore=np.arange(N) * 1.0, country=texts(["de", "tr"]))
    assert set(found) == {"leadScore"}
    assert "the word 'score' in its name" in found["leadScore"]
    assert "(alone AUC 0." in found["leadScore"]
    assert "filled for 100.0 % of those who convert and 100.0 % of the others" in found["leadScore"]


def test_columns_missing_together() -> None:
    there = chance(0.5, 0.5)
    group = {"a": texts(["x"], there), "b": np.where(there, 1.0, np.nan), "c": texts(["y", "z"], there)}
    honest = {"d": texts(["x"], chance(0.5, 0.5, seed=4)), "e": texts(["x"]), "f": texts(["x"], RNG.random(N) < 0.99)}
    found = asks(**group, **honest)
    assert set(found) == {"a", "b", "c"}
    assert found["a"].startswith(f"it is missing together with b, c ({(~there).sum():,} of 2,000 leads)")
    assert not asks(a=group["a"], b=group["b"])  # two columns may well be one question of a form
    assert not list(column_questions(group, JUDGED, together=False))


def test_values_that_exist_far_more_for_one_outcome() -> None:
    found = asks(won=texts(["x", "y"], chance(0.6, 0.1)), lost=texts(["x", "y"], chance(0.05, 0.4)))
    assert "a value far more often for those who convert (" in found["won"]
    assert "a value far more often for those who do not convert (" in found["lost"]
    assert not asks(form=texts(["x"], chance(0.9, 0.6)), rare=texts(["x"], chance(0.15, 0.01)))


def test_little_data_asks_by_name_alone() -> None:
    few = Judged(np.arange(30), np.zeros(30, np.int64), np.zeros(30, np.int64))
    assert asks(few, status=texts(["x"])) == {
        "status": "the word 'status' in its name says that it may be written or updated after sign-up"
    }


def test_no_column_of_a_data_set_is_in_the_source() -> None:
    source = "".join(path.read_text() for path in Path(training.__file__).parent.glob("*.py")).lower()
    for name in (
        "asymmetrique",
        "notable",
        "lead profile",
        "prospect",
        "occupation",
        "imd_band",
        "creation_source",
        "watch_lecture",
    ):
        assert name not in source
