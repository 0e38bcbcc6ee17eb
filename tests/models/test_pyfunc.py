"""The model as MLflow's tools call it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from models.artifact import save
from models.pyfunc import PyfuncScorer, input_columns, input_example
from models.scorer import Scorer


def test_predict_is_the_scorer_itself(scorer: Scorer, x: np.ndarray, tmp_path: Path) -> None:
    save(scorer, tmp_path / "model")
    loaded = PyfuncScorer.of(tmp_path / "model")
    frame = pd.DataFrame(x[:50], columns=list(scorer.names))
    known = (None, *scorer.definition.categories["country"])
    frame["country"] = [None if code != code or code == 0 else known[int(code)] for code in frame["country"]]
    straight = x[:50].copy()
    place = scorer.names.index("country")
    straight[straight[:, place] == 0, place] = np.nan
    answers = loaded.predict(frame)
    assert list(answers.columns) == ["probability", "grade"]
    assert (answers["probability"].to_numpy() == scorer.probability(straight)).all()
    turned = loaded.predict(frame.iloc[::-1][list(reversed(scorer.names))])
    assert turned["probability"].tolist() == answers["probability"].tolist()[::-1]
    assert turned["grade"].tolist() == answers["grade"].tolist()[::-1]


def test_grades_compare_with_the_same_age(scorer: Scorer) -> None:
    loaded = PyfuncScorer(scorer)
    ages = pd.DataFrame({"trial_age_d": [1.0, 7.0, np.nan]})
    answers = loaded.predict(ages)
    wanted = [
        scorer.reference.grade(scorer.reference.percentile(p, age))
        for p, age in zip(answers["probability"], [1.0, 7.0, np.nan], strict=True)
    ]
    assert answers["grade"].tolist() == wanted
    assert loaded.predict(ages[[]])["probability"].nunique() == 1


def test_the_example_is_invented_and_complete(scorer: Scorer) -> None:
    columns, example = input_columns(scorer), input_example(scorer)
    assert list(columns) == list(example.columns) == list(scorer.feature_set.names)
    assert {name for name, kind in columns.items() if kind == "string"} == {"country"}
    assert example.iloc[1].isna().all()
    assert PyfuncScorer(scorer).predict(example)["probability"].between(0, 1).all()


def test_whole_numbers_missing_ones_and_texts_that_are_numbers_are_numbers(scorer: Scorer) -> None:
    loaded, name = PyfuncScorer(scorer), next(column.name for column in scorer.columns if column.kind == "number")
    wanted = loaded.predict(pd.DataFrame({name: [3.0, np.nan]}))["probability"].tolist()
    for values in (pd.Series([3, None], dtype="Int64"), pd.Series(["3", None], dtype=object), pd.Series(["3", ""])):
        assert loaded.predict(pd.DataFrame({name: values}))["probability"].tolist() == wanted
    assert loaded.predict(pd.DataFrame({name: [3]}))["probability"].tolist() == wanted[:1]


def test_what_is_no_number_is_refused_and_not_taken_for_missing(scorer: Scorer) -> None:
    name = next(column.name for column in scorer.columns if column.kind == "number")
    with pytest.raises(InputError, match=f"column {name} holds something that is no number") as refused:
        PyfuncScorer(scorer).predict(pd.DataFrame({name: ["3", "a secret"]}))
    assert "secret" not in str(refused.value)
