"""The rival: the same trees behind ``mlflow models serve``, with five reasons by LightGBM's own ``pred_contrib``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import lightgbm
import mlflow
import numpy as np
import pandas as pd


class Explained(mlflow.pyfunc.PythonModel):
    """What a user writes: a DataFrame into LightGBM. With BENCH_CAREFUL, what one writes who has measured."""

    def load_context(self, context: Any) -> None:
        """Read the trees and what stands beside them."""
        self.booster = lightgbm.Booster(model_file=context.artifacts["booster"])
        self.facts = json.loads(Path(context.artifacts["facts"]).read_text(encoding="utf-8"))
        self.codes = {name: {value: i + 1.0 for i, value in enumerate(known)} for name, known in self.facts["categories"].items()}

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the probability and the five columns that moved it most, in points."""
        names = self.facts["columns"]
        if os.environ.get("BENCH_CAREFUL"):
            shares = self.booster.predict(self._matrix(model_input), pred_contrib=True, num_threads=1)
            raws = shares.sum(axis=1)
        else:
            frame = model_input.reindex(columns=names)
            for name, codes in self.codes.items():
                frame[name] = frame[name].map(codes)
            frame = frame.astype("float64")
            shares = self.booster.predict(frame, pred_contrib=True)
            raws = self.booster.predict(frame, raw_score=True)
        answers = []
        for row, raw in zip(shares, raws.tolist(), strict=True):
            expected = float(row[-1])
            probability, base = self._probability(raw), self._probability(expected)
            factor = (probability - base) / (raw - expected) if raw != expected else 0.0
            largest = np.argsort(-np.abs(row[:-1]))[:5].tolist()
            reasons = [{"feature": names[j], "points": float(row[j]) * factor} for j in largest]
            answers.append({"probability": probability, "base": base, "reasons": reasons})
        return answers

    def _matrix(self, model_input: pd.DataFrame) -> Any:
        names = self.facts["columns"]
        x = np.full((len(model_input), len(names)), np.nan)
        for j, name in enumerate(names):
            if name in model_input.columns:
                values = model_input[name].tolist()
                codes = self.codes.get(name)
                x[:, j] = values if codes is None else [np.nan if v is None else codes.get(v, 0.0) for v in values]
        return x

    def _probability(self, raw: float) -> float:
        z = self.facts["intercept"] + self.facts["slope"] * raw
        over = max(abs(z) - 8.0, 0.0) / 5.8  # the calibration bends beyond 8, and both answer the same number
        z = np.sign(z) * (min(abs(z), 8.0) + 5.8 * over / (1 + over))
        return float(1 / (1 + np.exp(-z)))


mlflow.models.set_model(Explained())
