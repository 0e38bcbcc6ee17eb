"""Reasons: the players of a score as records: points, the feature that speaks most clearly, a sentence, and what is typical."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US
from features.feature import TRIAL_AGE, Feature
from features.matrix import FeatureMatrix
from models.explanation import Explanation
from models.phrasing import Phrasing
from models.reference import VALUES
from models.scorer import Scorer

Floats = NDArray[np.float64]

NEVER_DONE = frozenset({"recency_h", "time_to_first_h"})
"""Families that have no value while nothing has happened; over a team, also while nobody knows of it."""


@dataclass(frozen=True, eq=False)
class Reasons:
    """The explained scores of a matrix, ready to be told row by row.

    With no reasons asked, nothing is attributed: `rest` is then the whole way from the base to the score.
    """

    scorer: Scorer
    matrix: FeatureMatrix
    count: int | None
    phrasing: Phrasing
    probability: Floats
    whole: Floats
    """Points and log-odds of all players together, by row."""
    explanation: Explanation | None

    @staticmethod
    def of(scorer: Scorer, matrix: FeatureMatrix, x: Floats, count: int | None, phrasing: Phrasing) -> Reasons:
        """Score all rows, and explain them if any reasons are asked."""
        if count == 0:
            at_score = scorer.calibrator.evaluate(scorer.raw(x))
            at_base = scorer.calibrator.evaluate(np.array([scorer.expected]))
            whole = (at_score - at_base)[:, [1, 0]]
            return Reasons(scorer, matrix, count, phrasing, at_score[:, 1], whole, None)
        explanation = scorer.explain(x)
        return Reasons(scorer, matrix, count, phrasing, explanation.probability, np.empty((0, 0)), explanation)

    def of_row(self, row: int, age_days: float) -> tuple[list[dict[str, object]], dict[str, float]]:
        """Return a row's listed reasons, and the sum over the players that are not listed."""
        if self.explanation is None:
            points, log_odds = self.whole[row].tolist()
            return [], {"points": points, "log_odds": log_odds}
        told = self.explanation
        listed = told.top(row, self.count)
        points, log_odds = told.rest(row, listed)
        shares = told.shares[row].tolist()
        reasons = [self._reason(told, shares, row, player, age_days) for player in listed]
        return reasons, {"points": points, "log_odds": log_odds}

    def _reason(self, explanation: Explanation, shares: list[float], row: int, player: int, age_days: float) -> dict[str, object]:
        points, log_odds = float(explanation.points[row, player]), float(explanation.log_odds[row, player])
        feature = self._clearest(explanation.players[player], shares, points)
        number = float(self.matrix.values[row, self.matrix.features.index(feature.name)])
        value: float | str | None = None if number != number else number
        if feature.kind == "category":
            value = self.matrix.labels[feature.name][row]
        early = age_days * DAY_US < feature.min_age_us
        return {
            "player": explanation.players[player],
            "feature": feature.name,
            "value": int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value,
            "points": points,
            "log_odds": log_odds,
            "text": self.phrasing.sentence(feature, value, self.scorer.definition, early=early),
            "typical": self._typical(feature, value, number, age_days),
        }

    def _clearest(self, player: str, shares: list[float], points: float) -> Feature:
        """Return the feature with the largest share of what the player adds, in the player's own direction."""
        own = self.scorer.columns_of.get(player)
        if own is None:
            return next(feature for feature in self.scorer.feature_set.features if feature.player == player)
        best = min(own, key=shares.__getitem__) if points < 0 else max(own, key=shares.__getitem__)
        return self.scorer.feature_set[self.scorer.names[best]]

    def _typical(self, feature: Feature, value: float | str | None, number: float, age_days: float) -> str | None:
        """Return what is typical of a feature at an age, or None where the model does not say.

        Beside what the lead has never done stands how many others have.
        """
        if number != number and feature.family in NEVER_DONE and feature.selector is not None:
            name = f"{'account_' if feature.over == 'mates' else ''}{feature.selector}_count_all"
            if name in self.scorer.feature_set.places:
                feature, value, number = self.scorer.feature_set[name], 0.0, 0.0
        typical = self.scorer.reference.typical.get(feature.name)
        # Of trials of this age this age is typical, and what is not known is not compared.
        if typical is None or feature.player == TRIAL_AGE or number != number:
            return None
        numbers = typical.at_age[self.scorer.reference.nearest(age_days)]
        place = int(number) if typical.kind == VALUES else 0
        if place >= len(numbers):
            return None
        return self.phrasing.typical(feature, typical.kind, numbers[place], value, self.scorer.definition)
