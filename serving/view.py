"""View: how leads are seen through one definition. The model's own, so that what is seen is what the model learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.catalog import feature_set
from features.definition import Definition
from features.feature import FeatureSet
from features.history import Plan
from features.matrix import FeatureMatrix, LiveAccount, compute_one
from features.store import EventStore
from features.storing.rows import StoredLead
from features.workspace import Workspace
from serving.account_mates import read_mates
from serving.live_lead import Reader, Standing


class View:
    """Stored leads seen through one definition."""

    def __init__(self, workspace: Workspace, definition: Definition, features: FeatureSet | None = None) -> None:
        self.definition = definition
        self.features = features or feature_set(definition)
        self.plan = Plan(definition)
        self.reader = Reader(workspace, definition, self.plan)
        self.codes = {
            feature.name: {value: place + 1.0 for place, value in enumerate(definition.categories.get(feature.name, ()))}
            for feature in self.features.features
            if feature.kind == "category"
        }
        """Of every category the codes of the values that the model knows."""

    def standing(self, stored: StoredLead, as_of: int) -> Standing | None:
        """Return the lead as it stood at an instant, or None where it was no lead, or not yet."""
        return self.reader.standing(stored, as_of)

    def matrix(self, standings: Sequence[Standing], as_of: int, store: EventStore) -> FeatureMatrix:
        """Return the features of some leads, a row for each, all as of one instant.

        Where features look at account mates these are read from the store for all accounts at once, and pooled once for each.
        """
        rows: dict[int, FeatureMatrix] = {}
        places = self._accounts(standings)
        for place in places.pop(None, []):
            rows[place] = compute_one(self.features, self.plan, standings[place].lead, as_of)
        named = [name for name in places if name is not None]
        read = {standing.stored.lead_id: standing.stored for standing in standings}
        for name, mates in read_mates(store, self.reader, self.definition, named, as_of, read) if named else ():
            account = LiveAccount(mates)
            for place in places[name]:
                lead = replace(standings[place].lead, account=account)
                rows[place] = compute_one(self.features, self.plan, lead, as_of)
        return stacked([rows[place] for place in range(len(standings))])

    def _accounts(self, standings: Sequence[Standing]) -> dict[str | None, list[int]]:
        """Return the places of the leads of each account, all under None where no feature looks at accounts."""
        found: dict[str | None, list[int]] = {}
        for place, standing in enumerate(standings):
            found.setdefault(standing.account if self.features.over_mates else None, []).append(place)
        return found


def stacked(rows: Sequence[FeatureMatrix]) -> FeatureMatrix:
    """Put matrices of one definition on top of each other, lead index counted anew."""
    if len(rows) == 1:
        return rows[0]
    first = rows[0]
    return FeatureMatrix(
        features=first.features,
        values=np.vstack([row.values for row in rows]),
        labels={name: np.concatenate([row.labels[name] for row in rows]) for name in first.labels},
        lead_index=np.arange(sum(len(row) for row in rows), dtype=np.int64),
        as_of=np.concatenate([row.as_of for row in rows]),
        features_as_of=np.concatenate([row.features_as_of for row in rows]),
    )
