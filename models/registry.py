"""The only module that knows MLflow: where trained models live, which one is champion, how it gets there.

Everything is addressed by the workspace's name, which is both the experiment and the registered model. The champion is an alias,
so a promotion is one write. Reading (``champion``, ``download``) needs mlflow-skinny, SQLAlchemy and Alembic only; writing needs
the whole of MLflow. MLflow is imported when first used, never before: it takes seconds.
"""

from __future__ import annotations

import logging
import os
import tempfile
import urllib.parse
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import OutsideError

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
DIGEST_TAG = "trialwise.folder_sha256"

_LOADER = "trialwise"
_MODEL = "model"
_FOLDER = "scorer"
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True, slots=True)
class ChampionRef:
    """Which version serves, and the digest its folder must have."""

    name: str
    version: str
    digest: str
    run_id: str


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What one training leaves behind beside the model folder itself."""

    params: Mapping[str, str | int | float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    """Small files by name, such as the workspace file that was trained on."""


def state_home() -> Path:
    """Return where state lives: TRIALWISE_HOME, by default ``var``."""
    return Path(os.environ.get("TRIALWISE_HOME") or "var")


def configured_uri(home: Path | None = None) -> str:
    """Return where MLflow keeps its records: MLFLOW_TRACKING_URI, by default a SQLite database under ``home``."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{_absolute(home) / 'mlflow.db'}"


def champion(name: str, home: Path | None = None) -> ChampionRef | None:
    """Return the version that the alias ``champion`` names, or None while there is none."""
    uri = configured_uri(home)
    if _not_yet_there(uri):
        return None
    with _outside(uri):
        return _by_alias(_client(uri), name, CHAMPION)


def download(ref: ChampionRef, destination: Path, home: Path | None = None) -> Path:
    """Fetch a version's model folder into ``destination`` and return where it is; nothing in it is read or run here."""
    uri = configured_uri(home)
    with _outside(uri):
        client = _client(uri)
        source = client.get_model_version_download_uri(ref.name, ref.version)
        if source.startswith("models:/"):
            source = client.get_logged_model(source.removeprefix("models:/")).artifact_location
        from mlflow.artifacts import download_artifacts

        destination.mkdir(parents=True, exist_ok=True)
        return Path(
            download_artifacts(artifact_uri=f"{source.rstrip('/')}/data/{_FOLDER}", dst_path=str(destination), tracking_uri=uri)
        )


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

    ``inputs`` names every column that ``predict`` takes, with ``double`` or ``string``: all of them optional.
    """
    uri = configured_uri(home)
    with _outside(uri), _fluent(uri) as mlflow:
        client = _client(uri)
        experiment = _experiment(client, name, uri, home)
        with mlflow.start_run(experiment_id=experiment) as run, tempfile.TemporaryDirectory() as scratch:
            run_id = str(run.info.run_id)
            mlflow.log_params({key: str(value)[:6000] for key, value in record.params.items()})
            mlflow.log_metrics({key: value for key, value in record.metrics.items() if value == value})
            mlflow.set_tags(dict(record.tags))
            for file_name, text in record.texts.items():
                mlflow.log_text(text, file_name)
            # MLflow keeps the folder's own name, and a name fixed here is where `download` looks.
            here = Path(scratch) / _FOLDER
            here.symlink_to(folder.resolve(), target_is_directory=True)
            logged = mlflow.pyfunc.log_model(
                name=_MODEL, loader_module=_LOADER, data_path=str(here), signature=_signature(inputs), input_example=example,
                pip_requirements=["trialwise"], metadata={DIGEST_TAG: digest},
            )  # fmt: skip
        tags = {**record.tags, DIGEST_TAG: digest}
        version = _register_version(client, name, logged.model_uri, run_id, tags)
        client.set_registered_model_alias(name, CHALLENGER, version)
    return ChampionRef(name, version, digest, run_id)


def promote(ref: ChampionRef, *, reason: str, home: Path | None = None) -> None:
    """Make a version the champion: the old one is remembered first, so the alias ``champion`` is the one point of commit."""
    uri = configured_uri(home)
    with _outside(uri):
        client = _client(uri)
        old = _by_alias(client, ref.name, CHAMPION)
        client.set_model_version_tag(ref.name, ref.version, "trialwise.promoted_because", reason[:5000])
        if old is not None and old.version != ref.version:
            client.set_registered_model_alias(ref.name, PREVIOUS, old.version)
        client.set_registered_model_alias(ref.name, CHAMPION, ref.version)
        challenger = _by_alias(client, ref.name, CHALLENGER)
        if challenger is not None and challenger.version == ref.version:
            client.delete_registered_model_alias(ref.name, CHALLENGER)


def _by_alias(client: MlflowClient, name: str, alias: str) -> ChampionRef | None:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in _ABSENT:
            return None
        raise
    return ChampionRef(name, str(found.version), str(found.tags.get(DIGEST_TAG, "")), str(found.run_id or ""))


def _register_version(client: MlflowClient, name: str, model_uri: str, run_id: str, tags: Mapping[str, str]) -> str:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code not in _ABSENT:
            raise
        client.create_registered_model(name, description="Registered by trialwise train.")
    model_id = model_uri.removeprefix("models:/")
    return str(client.create_model_version(name, model_uri, run_id=run_id, tags=dict(tags), model_id=model_id).version)


def _experiment(client: MlflowClient, name: str, uri: str, home: Path | None) -> str:
    """Return the workspace's experiment; with our own store its files lie beside the database."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    # A tracking server knows best where its files go; a bare database would put them wherever the command was started.
    local = uri.partition("://")[0] not in ("http", "https", "databricks")
    location = (_absolute(home) / "mlflow-artifacts" / urllib.parse.quote(name, safe="")).as_uri() if local else None
    return str(client.create_experiment(name, artifact_location=location))


def _signature(inputs: Mapping[str, str]) -> Any:
    """Declare every input by hand: MLflow infers integers that refuse missing values, and strings that may not be absent."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    columns: list[Any] = [ColSpec(kind, column, required=False) for column, kind in inputs.items()]
    answer: list[Any] = [ColSpec("double", "probability"), ColSpec("string", "grade")]
    return ModelSignature(Schema(columns), Schema(answer))


def _client(uri: str) -> MlflowClient:
    _quiet()
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def _fluent(uri: str) -> Iterator[Any]:
    """Point MLflow's global functions at our store, and back afterwards: logging a model has no other door."""
    _quiet()
    import mlflow as loaded

    mlflow: Any = loaded
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield mlflow
    finally:
        # MLflow writes the address into the environment, where it would outlive TRIALWISE_HOME.
        mlflow.set_tracking_uri(before)


@contextmanager
def _outside(uri: str) -> Iterator[None]:
    """Turn whatever MLflow, its database or the disk throws into one sentence without secrets."""
    _quiet()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise OutsideError(
            f"the model registry failed ({type(error).__name__})",
            given=_without_secrets(uri),
            expected="an MLflow tracking store that answers",
            do="check MLFLOW_TRACKING_URI, the disk and TRIALWISE_HOME, then run the command again",
        ) from error


def _quiet() -> None:
    """Silence MLflow's chatter and its reports to its makers; what matters is said by us."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")  # of its own it would keep a person waiting for minutes
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    # tqdm, which MLflow imports, asks notebooks for widgets that our pages have no use for.
    warnings.filterwarnings("ignore", message="IProgress not found.*")
    # MLflow with SQLAlchemy 2.1 says this of itself; nobody here can act on it.
    warnings.filterwarnings("ignore", message=r".*noload.*")
    warnings.filterwarnings("ignore", message=r".*AnyType.*")


def _absolute(home: Path | None) -> Path:
    return (home if home is not None else state_home()).resolve()


def _not_yet_there(uri: str) -> bool:
    """Return whether a SQLite store has still to be made: asking for the champion must not make one."""
    return uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists()


def _without_secrets(uri: str) -> str:
    """Return the address without user and password.

    >>> _without_secrets("postgresql://me:secret@db.acme.com/mlflow")
    'postgresql://db.acme.com/mlflow'
    """
    parts = urllib.parse.urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
