"""The bar means something only if all get the same rows, nobody sees an outcome too early, and the arithmetic is right."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from models.batch import write_scores
from models.population import Asked
from tests.benchmarks.quality import automl, boosted, by_us, linear, tuned_lightgbm
from tests.benchmarks.quality.entry import Entry, Floats, Rival, frame, validation
from tests.benchmarks.quality.kept import keeping
from tests.benchmarks.quality.paired import Interval, Paired, missed, pair
from tests.benchmarks.quality.real_sets import RealSet, Split, answered, read_split
from tests.training.small_world import SmallWorld, silent
from training.metrics import METRICS, Ranking
from training.verbs import run_train

CUT, AGE = "2025-06-20", 7
SIMPLE = "logistic regression"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SmallWorld(leads=600).write(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def forward(world: Path) -> RealSet:
    return read_split(world, Split(CUT, AGE, CUT, "2025-08-10"))


@pytest.mark.parametrize(
    "rival",
    [
        pytest.param(linear.answer, id="linear"),
        pytest.param(partial(boosted.answer, most_rounds=20), id="boosted"),
        pytest.param(partial(tuned_lightgbm.answer, trials=2), id="lightgbm"),
        pytest.param(partial(automl.answer, seconds=5.0), id="flaml", marks=pytest.mark.slow),
    ],
)
def test_every_rival_answers_every_row_and_has_learnt_something(rival: Rival, forward: RealSet) -> None:
    answers = rival(forward.fits[0].entry)
    assert answers.shape == forward.outcome.shape
    assert ((answers > 0.0) & (answers < 1.0)).all()
    auc = Ranking(answers, forward.outcome).figures(np.ones(len(answers)))[METRICS.index("auc")]
    assert auc > 0.7


@pytest.mark.slow
def test_ours_is_what_train_and_score_give(
    world: Path, forward: RealSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run_train(world, as_of=CUT, trials=2, promote="force", say=silent)
    out = tmp_path / "scores.csv"
    write_scores(world, out, asked=Asked(AGE, None, CUT, "2025-08-10"), reasons="0", lang=None, say=silent)
    with out.open(newline="") as rows:
        expected = [float(row["probability"]) for row in csv.DictReader(rows)]
    ours, _ = by_us.answer(forward.ws, forward.fits[0], trials=2)
    np.testing.assert_array_equal(ours, expected)


def test_nothing_learnt_from_is_known_after_the_cut(forward: RealSet) -> None:
    training = forward.fits[0].training
    assert training.learners.rows.mature_at.max() <= training.window.now
    assert len(np.unique(forward.outcome)) == 2


def test_settings_are_found_on_later_leads(forward: RealSet) -> None:
    table = forward.fits[0].entry.learn
    [part] = validation(table)
    assert table.rows.started_at[part.learn].max() < table.rows.started_at[part.valid].min()
    assert len(part.learn) + len(part.valid) == len(table.rows)


@pytest.fixture(scope="module")
def undated(tmp_path_factory: pytest.TempPathFactory) -> RealSet:
    folder = tmp_path_factory.mktemp("undated")
    rng = np.random.default_rng(0)
    lines = ["id,paid,size,kind"]
    lines += [f"l{number},{int(rng.random() < 0.3)},{rng.integers(1, 50)},{rng.choice(['a', 'b'])}" for number in range(300)]
    (folder / "leads.csv").write_text("\n".join(lines))
    (folder / "w.yaml").write_text(
        "version: 1\nname: undated\ndata:\n  leads: {source: leads.csv, id: id, converted: paid}\n"
        "attributes: {size: number, kind: category}\n"
    )
    return read_split(folder / "w.yaml", Split())


def test_without_dates_everyone_is_answered_once_by_a_training_that_never_saw_them(undated: RealSet) -> None:
    for fit in undated.fits:
        seen = {*fit.training.learners.rows.lead.tolist(), *fit.training.exam.rows.lead.tolist()}
        assert not seen & set(fit.place.tolist())
        assert len(seen) + len(fit.place) == len(undated.outcome)
        assert max(fold.learn.max() for fold in fit.training.folds.choice) < len(seen)
    places = np.concatenate([fit.place for fit in undated.fits])
    assert sorted(places.tolist()) == list(range(len(undated.outcome)))
    together = answered(undated, [fit.place.astype(np.float64) for fit in undated.fits])
    assert together.tolist() == list(range(len(undated.outcome)))


def test_without_dates_settings_are_found_on_whole_accounts(undated: RealSet) -> None:
    table = undated.fits[0].entry.learn
    parts = validation(table)
    assert len(parts) == 3
    assert all(not set(table.rows.cluster[part.learn]) & set(table.rows.cluster[part.valid]) for part in parts)


def test_a_missing_category_is_one_of_its_own(undated: RealSet) -> None:
    entry = undated.fits[0].entry
    [place] = entry.categories
    x = entry.x[:3].copy()
    x[:, place] = [np.nan, 0.0, 1.0]
    assert frame(x, entry.columns)["kind"].tolist() == [0, 1, 2]


def figures(auc: Interval, loss: Interval) -> dict[str, Interval]:
    return {"auc": auc, "log_loss": loss}


EVEN = Interval(0.0, -0.02, 0.02)


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        (EVEN, 0),
        (Interval(-0.019, -0.04, 0.0), 0),
        (Interval(-0.021, -0.04, 0.0), 1),
        (Interval(0.05, 0.04, 0.06), 0),
    ],
)
def test_the_bar_is_half_the_width(ahead: Interval, told: int) -> None:
    flat = Interval(0.7, 0.6, 0.8)
    reached = {"ours": figures(flat, flat), SIMPLE: figures(flat, flat), "best": figures(Interval(0.9, 0.8, 1.0), flat)}
    found = Paired(reached, {SIMPLE: figures(EVEN, EVEN), "best": figures(ahead, EVEN)})
    assert len(missed(found, simple=SIMPLE)) == told
    # A log-loss is better when it is lower: the same gap with the other sign.
    lower = {**reached, "best": figures(flat, Interval(0.1, 0.0, 0.2))}
    mirrored = Interval(-ahead.value, -ahead.high, -ahead.low)
    found = Paired(lower, {SIMPLE: figures(EVEN, EVEN), "best": figures(EVEN, mirrored)})
    assert len(missed(found, simple=SIMPLE)) == told


def test_the_bar_asks_not_to_be_significantly_behind_the_simple_one() -> None:
    flat = Interval(0.7, 0.6, 0.8)
    reached = {"ours": figures(flat, flat), SIMPLE: figures(flat, flat), "best": figures(Interval(0.9, 0.8, 1.0), flat)}
    behind = Paired(reached, {SIMPLE: figures(Interval(-0.01, -0.02, -0.001), EVEN), "best": figures(EVEN, EVEN)})
    assert missed(behind, simple=SIMPLE) == [f"auc is significantly behind {SIMPLE}"]


def test_differences_are_paired(rng_answers: dict[str, Floats], outcome: np.ndarray) -> None:
    found = pair(rng_answers, outcome, np.arange(len(outcome)) // 2, ours="ours", replicates=100)
    assert found.ahead["same"]["auc"] == Interval(0.0, 0.0, 0.0)
    assert found.ahead["noise"]["auc"].low > 0.0
    assert found.ahead["noise"]["log_loss"].high < 0.0
    assert found.ahead["noise"]["auc"].value == pytest.approx(
        found.reached["ours"]["auc"].value - found.reached["noise"]["auc"].value
    )
    assert found.ahead["close"]["auc"].half < found.reached["ours"]["auc"].half / 2


@pytest.fixture
def outcome() -> np.ndarray:
    return (np.random.default_rng(1).random(600) < 0.3).astype(np.int64)


@pytest.fixture
def rng_answers(outcome: np.ndarray) -> dict[str, Floats]:
    rng = np.random.default_rng(2)
    ours = np.clip(0.3 + 0.2 * (outcome - 0.3) + rng.normal(0, 0.1, len(outcome)), 0.01, 0.99)
    close = np.clip(ours + rng.normal(0, 0.01, len(outcome)), 0.01, 0.99)
    return {"ours": ours, "same": ours.copy(), "close": close, "noise": rng.uniform(0.01, 0.99, len(outcome))}


def test_a_rival_is_asked_again_only_about_something_else(undated: RealSet, tmp_path: Path) -> None:
    asked: list[Entry] = []

    def rival(entry: Entry) -> Floats:
        asked.append(entry)
        return np.full(len(entry.x), 0.25)

    one, two = (fit.entry for fit in undated.fits[:2])
    for entry in (one, one, two):
        assert (keeping(rival, "settings", tmp_path)(entry) == 0.25).all()
    assert asked == [one, two]
    keeping(rival, "other settings", tmp_path)(one)
    assert len(asked) == 3
