"""Records: what one training tells MLflow beside the model folder itself. Figures, settings and digests, never a row of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One setting that the search tried: a child run of the training."""

    name: str
    params: Mapping[str, str | int | float]
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """One origin that was read: its name and the SHA-256 of what it held, not its contents."""

    table: str
    """leads, events, conversions or identities."""
    name: str
    """The file's name, without its folder."""
    digest: str


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What one training leaves behind."""

    params: Mapping[str, str | int | float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of the run and of the version alike."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Small files by name, such as the workspace file that was trained on, the report, the model card."""
    trials: tuple[TrialRecord, ...] = ()
    datasets: tuple[DatasetRecord, ...] = ()
    description: str = ""
    """What the version is, in a few lines of Markdown."""
