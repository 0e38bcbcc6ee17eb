"""The model as MLflow's own tools see it: a table of features in, probability and grade out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from models.artifact import load
from models.codes import is_missing, values_of_frame
from models.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd

AGE = "trial_age_d"


@dataclass(frozen=True)
class PyfuncScorer:
    """What ``mlflow.pyfunc.load_model`` gives: the same Scorer that serves, behind ``predict``."""

    scorer: Scorer

    @classmethod
    def of(cls, folder: Path) -> PyfuncScorer:
        """Read a model folder strictly."""
        return cls(load(folder))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002 (MLflow's shape)
        """Return probability and grade in row order; features go by name, in any order, and may be missing.

        The grade compares with trials of the same age, which is the feature ``trial_age_d``; without it, with the youngest.

        Raises
        ------
        InputError
            A column of numbers holds something else. MLflow does not look: of the types that its signatures know, none takes
            whole numbers and missing ones alike.
        """
        import pandas as pd

        x = values_of_frame(self.scorer, model_input)
        _need_numbers(self.scorer, model_input, x)
        probability = self.scorer.probability(x)
        ages = np.full(len(x), np.nan)
        if AGE in model_input.columns:
            ages = pd.to_numeric(model_input[AGE], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        reference = self.scorer.reference
        grades = [
            reference.grade(reference.percentile(p, age)) for p, age in zip(probability.tolist(), ages.tolist(), strict=True)
        ]
        return pd.DataFrame({"probability": probability, "grade": grades})


def _need_numbers(scorer: Scorer, frame: pd.DataFrame, x: NDArray[np.float64]) -> None:
    for place, column in enumerate(scorer.columns):
        if column.kind == "category" or column.name not in frame.columns or frame[column.name].dtype.kind in "fiub":
            continue
        if any(np.isnan(read) and not is_missing(value) for read, value in zip(x[:, place], frame[column.name], strict=True)):
            raise InputError(
                f"the column {column.name} holds something that is no number",
                given=f"values of type {frame[column.name].dtype}",
                expected="numbers, or nothing where a value is missing",
                do="correct the column or leave it out",
            )


def input_columns(scorer: Scorer) -> dict[str, str]:
    """Return every feature of the model's definition with MLflow's type for it."""
    return {feature.name: "string" if feature.kind == "category" else "double" for feature in scorer.feature_set.features}


def input_example(scorer: Scorer) -> pd.DataFrame:
    """Return two invented rows: a lead that did nothing yet, and one of which nothing is known."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for feature in scorer.feature_set.features:
        if feature.kind == "category":
            known = scorer.definition.categories.get(feature.name) or ("unknown",)
            columns[feature.name] = pd.Series([known[0], None], dtype=object)
        else:
            columns[feature.name] = pd.Series([0.0, np.nan], dtype=np.float64)
    return pd.DataFrame(columns)
