"""The recipe: every kind of learner can be fitted, rehearsed and refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.errors import StoppedError
from features.tables import read_tables
from features.workspace import load_workspace
from models.calibration import Calibrator
from models.columns import ColumnSpec
from models.scorecard import Rule, Scorecard
from tests.training.small_world import SmallWorld, silent
from tests.training.test_folds import made_rows
from training.candidates import Chosen
from training.choice import Choice, calibrated
from training.dataset import TrainingSet, Window, build
from training.pairs import Pair, Table, pairs_of
from training.recipe import Fitted, Recipe, _as_of, _stop_without_both_outcomes, fit, fit_learner, rehearse
from training.tuning import Search, macro_loss

COLUMNS = tuple(ColumnSpec(name, "number", "session", -9.0, 9.0) for name in ("useful", "noise"))
CARD = Scorecard(0.0, (Rule(0, 1.0, low=0.0),))
TREES = {"num_leaves": 6, "learning_rate": 0.1, "min_child_samples": 20}


@pytest.fixture(scope="module")
def table() -> Table:
    rows = made_rows(leads=800, days=300)
    x = np.random.default_rng(0).normal(0, 1, (len(rows), 2))
    x[:, 0] += rows.outcome
    return Table(rows, x)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    ws = load_workspace(SmallWorld().write(tmp_path_factory.mktemp("recipe")))
    tables = read_tables(ws)
    return build(ws, tables, Window(tables.newest), seed=0, say=silent)


def recipe(learner: str) -> Recipe:
    return Recipe(learner, 0.3, TREES, 30, "identity")


@pytest.mark.parametrize("kind", ["base_rate", "scorecard", "logistic", "towards_scorecard", "trees", "blend"])
def test_every_kind_of_learner_is_fitted_the_same_twice(table: Table, kind: str) -> None:
    learner, again = (fit_learner(recipe(kind), table, COLUMNS, seed=1, card=CARD) for _ in range(2))
    assert learner.kind == ("blend" if kind == "towards_scorecard" else kind)
    assert learner.to_json() == again.to_json()


def test_the_blend_is_the_mean_in_log_odds(table: Table) -> None:
    blend, logistic, trees = (
        fit_learner(recipe(kind), table, COLUMNS, seed=1).raw(table.x) for kind in ("blend", "logistic", "trees")
    )
    np.testing.assert_allclose(blend, (logistic + trees) / 2, atol=1e-12)


def test_the_base_rate_is_the_weighted_share(table: Table) -> None:
    raw = fit_learner(recipe("base_rate"), table, COLUMNS, seed=1).raw(table.x)
    share = float(np.average(table.rows.outcome, weights=table.rows.weight))
    assert len(np.unique(raw)) == 1
    assert 1 / (1 + np.exp(-raw[0])) == pytest.approx(share, abs=0.002)


def test_no_class_weights(table: Table) -> None:
    """The mean promise is the mean outcome: nothing was resampled or weighted by class."""
    raw = fit_learner(recipe("logistic"), table, COLUMNS, seed=1).raw(table.x)
    assert np.mean(1 / (1 + np.exp(-raw))) == pytest.approx(table.rows.outcome.mean(), abs=0.005)


def test_points_that_are_right_help_where_there_is_little_to_learn_from() -> None:
    """Twenty columns of noise, one that tells, 40 conversions: who says by hand which one it is loses less."""
    columns = tuple(ColumnSpec(f"c{number}", "number", "session", -9.0, 9.0) for number in range(21))
    rng, losses = np.random.default_rng(3), {"logistic": 0.0, "towards_scorecard": 0.0}
    rows = made_rows(leads=4_000, days=300)
    x = rng.normal(0, 1, (len(rows), len(columns)))
    x[:, 0] += rows.outcome
    paid = np.unique(rows.lead[rows.outcome == 1])[:40]
    others = np.unique(rows.lead[rows.outcome == 0])[:200]
    few = np.isin(rows.lead, np.concatenate([paid, np.setdiff1d(others, paid)]))
    learn, examine = (Table(rows, x).take(np.flatnonzero(part)) for part in (few, ~few))
    card = Scorecard(0.0, tuple(Rule(0, 0.5, low=low) for low in (-0.5, 0.0, 0.5, 1.0, 1.5)))
    for kind in losses:
        raw = fit_learner(replace(recipe(kind), penalty=0.03), learn, columns, seed=0, card=card).raw(examine.x)
        raw = raw - raw.mean() + fit_learner(recipe("base_rate"), examine, columns, seed=0).raw(examine.x).mean()
        losses[kind] = macro_loss(raw, examine.rows)
    assert losses["towards_scorecard"] < losses["logistic"]


def test_a_recipe_is_plain_values() -> None:
    one = recipe("blend")
    assert Recipe(**one.as_dict()) == one
    assert replace(one, rounds=31) != one


def test_one_outcome_cannot_teach(table: Table) -> None:
    lost = table.take(np.flatnonzero(table.rows.outcome == 0))
    with pytest.raises(StoppedError, match="too few accounts"):
        _stop_without_both_outcomes([Pair(lost, table)])
    _stop_without_both_outcomes([Pair(table, lost)])


KEPT = Recipe("logistic", 0.3, TREES, 30, "platt")


def planted(data: TrainingSet) -> TrainingSet:
    """Turn every outcome of a lead of the folds before that became known only after the last origin."""
    origin = data.folds.last.origin
    assert origin is not None

    def turned(table: Table) -> Table:
        rows = table.rows
        late = (rows.mature_at > origin) & (rows.started_at < origin)
        assert 20 < late.sum() < len(rows) / 2
        return Table(replace(rows, outcome=np.where(late, 1 - rows.outcome, rows.outcome)), table.x)

    return replace(data, learners=turned(data.learners), exam=turned(data.exam))


def fitted_as_kept(data: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> Fitted:
    """Fit, the choice of the recipe being made already: it may know what became known later."""

    def chosen(folds: list[Pair], *_: object, **__: object) -> Chosen:
        raws = [fit_learner(KEPT, pair.learn, data.columns, seed=0).raw(pair.examine.x) for pair in folds]
        return Chosen(KEPT, raws, Choice("logistic", {}), ())

    monkeypatch.setattr("training.recipe.choose_learner", chosen)
    monkeypatch.setattr("training.recipe.choose_calibration", lambda scores, *, seed: Choice("platt", {}))
    return fit(data, Search(0, None, 0), say=silent)


def test_the_rehearsal_does_not_know_what_came_after_its_origin(data: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    other = planted(data)
    one, two = (fitted_as_kept(which, monkeypatch) for which in (data, other))
    assert one.rehearsed.probability.tobytes() == two.rehearsed.probability.tobytes()
    assert one.base_rate.tobytes() == two.base_rate.tobytes()
    # The model for use is calibrated on them: there they are known.
    assert one.calibrator != two.calibrator
    for method in ("platt", "isotonic"):
        recipe = replace(KEPT, calibration=method)
        found, again = (rehearse(recipe, which, seed=0).probability for which in (data, other))
        assert found.tobytes() == again.tobytes()
    np.testing.assert_array_equal(rehearse(KEPT, data, seed=0).probability, one.rehearsed.probability)


def test_each_anchor_knows_its_own_day(data: TrainingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rehearsal is moved to the newest outcomes at its origin, the model for use to those of today."""
    days: list[int | None] = []

    def noted(calibrator: Calibrator, *_: object, now: int | None, **__: object) -> Calibrator:
        days.append(now)
        return calibrator.shifted(float(len(days)))

    monkeypatch.setattr("training.recipe.anchored", noted)
    fitted = fitted_as_kept(data, monkeypatch)
    assert days == [data.folds.last.origin, data.window.now]
    assert (fitted.rehearsal.calibrator.shift, fitted.calibrator.shift) == (1.0, 2.0)
    raw = fitted.rehearsal.learner.raw(fitted.rehearsal.table.x)
    np.testing.assert_array_equal(fitted.rehearsed.probability, fitted.rehearsal.calibrator.probability(raw))
    # The calibration for use has seen every fold, the learner every look; those of the rehearsal what was known at the origin.
    assert len(fitted.out_of_time.raw) == sum(len(fold.examine) for fold in (*data.folds.choice, data.folds.last))
    assert fitted.calibrator.slopes == calibrated("platt", fitted.out_of_time).slopes != fitted.rehearsal.calibrator.slopes
    everything = fit_learner(KEPT, data.learners, data.columns, seed=0, card=data.card)
    assert everything.to_json() == fitted.learner.to_json() != fitted.rehearsal.learner.to_json()
    last = pairs_of([data.folds.last], data.learners, data.exam, data.columns)[0]
    again = fit_learner(KEPT, last.learn, data.columns, seed=0, card=data.card)
    assert again.to_json() == fitted.rehearsal.learner.to_json()


def test_what_is_known_at_an_origin_calibrates(data: TrainingSet) -> None:
    """Everything where there are no dates, and nothing where nothing was known yet: then the learner's log-odds stand."""
    *before, last = pairs_of([*data.folds.choice, data.folds.last], data.learners, data.exam, data.columns)
    raws = [3.0 * fit_learner(KEPT, pair.learn, data.columns, seed=0).raw(pair.examine.x) for pair in before]
    late = max(int(pair.examine.rows.mature_at.max()) for pair in before)
    undated, all_known, then, nothing = (
        _as_of(origin, KEPT, before, raws, last, data, seed=0).calibrator for origin in (None, late, data.folds.last.origin, 0)
    )
    assert nothing == Calibrator()
    assert undated.slopes == all_known.slopes
    assert undated.shift == 0.0
    assert 0.2 < undated.slopes[0] < 0.8
    assert then.slopes != undated.slopes
