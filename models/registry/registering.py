"""Registering: one training becomes one run with its trials as children, and one version of the workspace's model.

The version is written last and whole, digest included, so that a process that dies on the way leaves a run but no version.
Writing needs the whole of MLflow; reading does not.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from models.registry.cut_off import writer_tags
from models.registry.records import DatasetRecord, TrainingRecord, TrialRecord
from models.registry.registered import CHALLENGER, DIGEST_TAG, FOLDER, TRAINING, TRIAL, ChampionRef, registered_model
from models.registry.tracking import client_of, configured_uri, experiment_of, fluent, outside

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

_LOADER = "trialwise"
_MODEL = "model"

_PARAMS_A_BATCH, _METRICS_A_BATCH = 100, 800
"""How much MLflow takes in one request."""
_LONGEST_PARAM = 6000
_DATASET_DIGEST = 36
"""MLflow keeps so many characters of a data set's digest; the whole one stands among the parameters."""

T = TypeVar("T")


def register(
    name: str,
    folder: Path,
    *,
    digest: str,
    inputs: Mapping[str, str],
    example: pd.DataFrame,
    record: TrainingRecord,
    home: Path | None = None,
) -> ChampionRef:
    """Log one training run with its model, register the model under the workspace's name and alias it ``challenger``.

    ``inputs`` names every column that ``predict`` takes, with ``double`` or ``string``: all of them optional. The version's
    description and tags stand with the model, everything else with the run.
    """
    uri = configured_uri(home)
    with outside(uri), fluent(uri) as mlflow:
        client = client_of(uri)
        experiment = experiment_of(client, name, uri, home)
        run_id = _run(client, experiment, record)
        # Ends as FINISHED, or as FAILED when anything goes wrong inside.
        with mlflow.start_run(run_id=run_id), tempfile.TemporaryDirectory() as scratch:
            _log(client, run_id, record, Path(scratch) / "texts")
            for number, trial in enumerate(record.trials):
                _log_trial(client, experiment, run_id, number, trial)
            # MLflow keeps the folder's own name, and a name fixed here is where `download` looks.
            here = Path(scratch) / FOLDER
            here.symlink_to(folder.resolve(), target_is_directory=True)
            logged = mlflow.pyfunc.log_model(
                name=_MODEL, loader_module=_LOADER, data_path=str(here), signature=_signature(inputs), input_example=example,
                pip_requirements=["trialwise"], metadata={DIGEST_TAG: digest, "trialwise.columns": dict(inputs)},
            )  # fmt: skip
            version = _register_version(client, name, logged.model_uri, run_id, digest, record)
            client.set_registered_model_alias(name, CHALLENGER, version)
    return ChampionRef(name, version, digest, run_id)


def _run(client: MlflowClient, experiment: str, record: TrainingRecord) -> str:
    """Begin the run: all its tags in the one write that makes it, so that a cut-off run can be told from other people's."""
    return str(client.create_run(experiment, tags={**record.tags, **writer_tags(TRAINING)}).info.run_id)


def _log(client: MlflowClient, run_id: str, record: TrainingRecord, scratch: Path) -> None:
    _log_figures(client, run_id, record.params, record.metrics)
    if record.datasets:
        client.log_inputs(run_id, [_dataset(one) for one in record.datasets])
    for file_name, text in record.texts.items():
        (scratch / file_name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / file_name).write_text(text, encoding="utf-8")
    if record.texts:
        client.log_artifacts(run_id, str(scratch))


def _log_trial(client: MlflowClient, experiment: str, parent: str, number: int, trial: TrialRecord) -> None:
    tags = {"mlflow.parentRunId": parent, **writer_tags(TRIAL)}
    run_id = str(client.create_run(experiment, run_name=trial.name, tags=tags).info.run_id)
    _log_figures(client, run_id, trial.params, trial.metrics, step=number)
    client.set_terminated(run_id)


def _log_figures(
    client: MlflowClient, run_id: str, params: Mapping[str, str | int | float], metrics: Mapping[str, float], step: int = 0
) -> None:
    """Log parameters and metrics in as few requests as MLflow allows; what is not a number is left out."""
    from mlflow.entities import Metric, Param

    now = time.time_ns() // 1_000_000
    settings = [Param(key, str(value)[:_LONGEST_PARAM]) for key, value in params.items()]
    figures = [Metric(key, value, now, step) for key, value in metrics.items() if value == value]
    settings_by, figures_by = _batches(settings, _PARAMS_A_BATCH), _batches(figures, _METRICS_A_BATCH)
    for some_params, some_metrics in _side_by_side(settings_by, figures_by):
        client.log_batch(run_id, metrics=some_metrics, params=some_params)


def _batches(items: Sequence[T], most: int) -> list[list[T]]:
    """Return the items in pieces.

    >>> _batches([1, 2, 3], 2)
    [[1, 2], [3]]
    """
    rest = iter(items)
    return [*iter(lambda: list(islice(rest, most)), [])]


def _side_by_side(one: list[list[Any]], other: list[list[Any]]) -> Iterator[tuple[list[Any], list[Any]]]:
    for place in range(max(len(one), len(other))):
        yield (one[place] if place < len(one) else []), (other[place] if place < len(other) else [])


def _dataset(one: DatasetRecord) -> Any:
    """Return the mention of an origin: its digest says which data these were, and nothing of them is sent."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"table": one.table, "name": one.name, "sha256": one.digest})
    dataset = Dataset(f"{one.table}: {one.name}"[:500], one.digest[:_DATASET_DIGEST], "local", source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _register_version(client: MlflowClient, name: str, model_uri: str, run_id: str, digest: str, record: TrainingRecord) -> str:
    if registered_model(client, name) is None:
        client.create_registered_model(name, description="Registered by trialwise train.")
    model_id = model_uri.removeprefix("models:/")
    tags = {**record.tags, DIGEST_TAG: digest}
    made = client.create_model_version(
        name, model_uri, run_id=run_id, tags=tags, description=record.description or None, model_id=model_id
    )
    return str(made.version)


def _signature(inputs: Mapping[str, str]) -> Any:
    """Declare every input by hand, optional and of any type.

    What MLflow would infer refuses: integers refuse missing values, doubles refuse a column of whole numbers, strings refuse
    codes that are written as numbers. The model checks its numbers itself.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    any_type: Any = AnyType
    columns: list[Any] = [ColSpec(any_type(), column, required=False) for column in inputs]
    answer: list[Any] = [ColSpec("double", "probability"), ColSpec("string", "grade")]
    return ModelSignature(Schema(columns), Schema(answer))
