"""The gate, with champions that are better, worse, older, foreign or unreadable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from features.clock import format_us, from_datetime
from features.errors import InputError
from features.tables import read_tables
from features.workspace import Workspace, load_workspace
from models.blend import BaseRate
from models.calibration import Calibrator
from models.scorer import Meta, Scorer
from tests.training.small_world import FIRST, SmallWorld, silent
from training.dataset import TrainingSet, Window, build
from training.evaluation import compare, evaluate
from training.promotion import Gate, decide, need_mode
from training.recipe import Fitted, fit
from training.tuning import Search
from training.verbs import assemble, new_accounts
from training.verdict import NONE, PUBLISH, Verdict, judge

GOOD = Verdict(PUBLISH, "publish: it is good")


@dataclass(frozen=True)
class Trained:
    """One training, unregistered."""

    ws: Workspace
    data: TrainingSet
    fitted: Fitted
    scorer: Scorer

    def gate(self, champion: Scorer | None, mode: str = "auto", verdict: Verdict = GOOD) -> Gate:
        return decide(mode, self.ws, self.data, self.fitted, verdict, champion, seed=0)

    def champion(self, *, as_of_day: float, hopeless: bool = False, **facts: object) -> Scorer:
        """Return a champion with these facts, that learnt nothing after a day."""
        as_of = format_us(from_datetime(FIRST + timedelta(days=as_of_day)))
        meta = Meta("small", 14.0, {**self.scorer.meta.facts, "as_of": as_of, **facts})
        if hopeless:
            return replace(self.scorer, learner=BaseRate(2.5), calibrator=Calibrator(), meta=meta)
        return replace(self.scorer, meta=meta)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    ws = load_workspace(SmallWorld().write(tmp_path_factory.mktemp("gate")))
    tables = read_tables(ws)
    data = build(ws, tables, Window(tables.newest), seed=0, say=silent)
    search = Search(0, None, 0)
    fitted = fit(data, search, say=silent)
    evaluation = evaluate(fitted.rehearsed, seed=0)
    gain = compare(fitted.rehearsed, fitted.base_rate, seed=0)
    verdict = judge(evaluation, gain, learner=fitted.recipe.learner, time_forward=data.folds.time_forward)
    return Trained(ws, data, fitted, assemble(ws, data, fitted, evaluation, None, gain, verdict, search))


def test_the_first_model_with_signal_serves(trained: Trained) -> None:
    gate = trained.gate(None)
    assert (gate.decision, gate.promoted) == ("promoted", True)


def test_without_signal_nothing_serves_unless_forced(trained: Trained) -> None:
    silence = Verdict(NONE, "no usable signal: nothing")
    assert not trained.gate(None, verdict=silence).promoted
    forced = trained.gate(None, "force", silence)
    assert forced.promoted
    assert "no usable signal" in forced.reason
    assert not trained.gate(None, "never").promoted


def test_a_hopeless_champion_is_replaced_on_leads_it_has_not_seen(trained: Trained) -> None:
    gate = trained.gate(trained.champion(as_of_day=60, hopeless=True))
    assert gate.decision == "promoted"
    assert "on the same later leads" in gate.reason


def test_an_equal_champion_stays(trained: Trained) -> None:
    gate = trained.gate(trained.champion(as_of_day=60))
    assert gate.decision == "kept"
    assert "not shown to be better" in gate.reason


def test_few_new_leads_compare_the_recipes(trained: Trained) -> None:
    # This champion has seen nearly everyone: its own scores on them would flatter it.
    gate = trained.gate(trained.champion(as_of_day=239))
    assert gate.decision == "kept"
    assert "+0.00000 [+0.00000, +0.00000]" in gate.reason
    assert "too few leads are new" in gate.reason
    other = {**trained.fitted.recipe.as_dict(), "learner": "base_rate"}
    assert trained.gate(trained.champion(as_of_day=239, recipe=other)).decision == "promoted"


def test_a_recipe_from_another_age_is_answered_with_the_base_rate(trained: Trained) -> None:
    gate = trained.gate(trained.champion(as_of_day=239, recipe={"learner": "oracle", "wisdom": 9}))
    assert gate.decision == "promoted"


def test_a_champion_of_another_mapping_is_compared_by_recipe(trained: Trained) -> None:
    definition = trained.scorer.definition
    foreign = replace(
        trained.champion(as_of_day=60, hopeless=True), definition=definition.model_copy(update={"gap_minutes": 99.0})
    )
    assert "recipes" in trained.gate(foreign).reason


def test_modes_are_three() -> None:
    need_mode("auto")
    with pytest.raises(InputError, match="auto, never, force"):
        need_mode("maybe")


def test_accounts_without_a_learnt_lead_are_new(trained: Trained) -> None:
    new = new_accounts(trained.data)
    last = trained.data.folds.last
    learnt = set(trained.data.learners.rows.cluster[last.learn].tolist())
    assert all((cluster not in learnt) == is_new for cluster, is_new in zip(
        trained.data.exam.rows.cluster[last.examine].tolist(), new.tolist(), strict=True
    ))  # fmt: skip
    assert 0 < new.sum() <= len(new)


def test_the_model_has_a_reference(trained: Trained) -> None:
    reference = trained.scorer.reference
    assert reference.ages == (1.0, 3.0, 7.0)
    assert 7.0 < reference.oldest_age_days < 7 * 1.17
    assert 0 < reference.pql_threshold < 1
    assert set(reference.volumes) == {"core_use", "session"}
    assert reference.volumes["core_use"] > reference.volumes["session"] > 0
    assert set(reference.typical) == set(trained.scorer.names)
    assert reference.typical["core_use_count_all"].kind == "share"
    assert reference.typical["size"].kind == "median"


def test_the_threshold_follows_capacity_and_money(trained: Trained) -> None:
    from training.reference import build_reference

    def threshold(text: str) -> float:
        path = Path(trained.ws.folder) / "small.yaml"
        changed = path.with_name("changed.yaml")
        changed.write_text(path.read_text() + text)
        return build_reference(load_workspace(changed), trained.data, trained.fitted, GOOD).pql_threshold

    few, more = threshold("capacity: {contacts_per_week: 1}\n"), threshold("capacity: {contacts_per_week: 3}\n")
    assert few > more
    assert threshold("capacity: {contacts_per_week: 900}\n") == threshold("capacity: {contacts_per_week: 90}\n")
    assert threshold("capacity: {contact_cost: 20, conversion_value: 600}\n") == pytest.approx(1 / 30)
    assert threshold("stages: {pql_probability: 0.42}\n") == 0.42
