"""The registry: where trained models live, which one is champion, how it gets there. The one door to MLflow.

Behind it: ``tracking`` reaches the store, ``registered`` reads it, ``registering`` writes a training (``records`` is what it
writes), ``promoting`` moves the aliases, ``signing`` says who may, ``cut_off`` ends what was killed. Nothing else in Trialwise
knows MLflow.
"""

from __future__ import annotations

from models.registry.promoting import (
    AGAINST_TAG,
    FORCED,
    PROMOTED,
    ROLLED_BACK,
    Completed,
    Decision,
    begun,
    complete,
    decisions,
    promote,
)
from models.registry.records import DatasetRecord, TrainingRecord, TrialRecord
from models.registry.registered import (
    CHALLENGER,
    CHAMPION,
    DIGEST_TAG,
    PREVIOUS,
    SIGNATURE_TAG,
    ChampionRef,
    Training,
    Version,
    challenger,
    champion,
    download,
    text,
    trainings,
    version,
    versions,
)
from models.registry.registering import register
from models.registry.tracking import configured_uri, state_home

__all__ = [
    "AGAINST_TAG", "CHALLENGER", "CHAMPION", "DIGEST_TAG", "FORCED", "PREVIOUS", "PROMOTED", "ROLLED_BACK", "SIGNATURE_TAG",
    "ChampionRef", "Completed", "DatasetRecord", "Decision", "Training", "TrainingRecord", "TrialRecord", "Version",
    "begun", "challenger", "champion", "complete", "configured_uri", "decisions", "download", "promote", "register", "state_home",
    "text", "trainings", "version", "versions",
]  # fmt: skip
