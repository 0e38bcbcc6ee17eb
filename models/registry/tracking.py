"""Tracking: which MLflow store is ours, how it is reached, and what its failures are called.

MLflow is imported when first used, never before: it takes seconds.
"""

from __future__ import annotations

import logging
import os
import urllib.parse
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from features.errors import OutsideError, TrialwiseError

if TYPE_CHECKING:
    from mlflow import MlflowClient

ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""The codes with which MLflow says that there is no such name, version or alias."""


def state_home() -> Path:
    """Return where state lives: TRIALWISE_HOME, by default ``var``."""
    return Path(os.environ.get("TRIALWISE_HOME") or "var")


def configured_uri(home: Path | None = None) -> str:
    """Return where MLflow keeps its records: MLFLOW_TRACKING_URI, by default a SQLite database under ``home``."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{_absolute(home) / 'mlflow.db'}"


def is_not_yet_there(uri: str) -> bool:
    """Return whether a SQLite store has still to be made: asking for the champion must not make one."""
    return uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists()


def client_of(uri: str) -> MlflowClient:
    """Return a client of a store; the folder of a SQLite store is made, its tables when it is first asked."""
    _quiet()
    if uri.startswith("sqlite:///"):
        make_room(Path(uri.removeprefix("sqlite:///")))
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def make_room(database: Path) -> None:
    """Make the folder of a SQLite store."""
    database.parent.mkdir(parents=True, exist_ok=True)


def experiment_of(client: MlflowClient, name: str, uri: str, home: Path | None) -> str:
    """Return the workspace's experiment, made if it is new; with our own store its files lie beside the database."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    # A tracking server knows best where its files go; a bare database would put them wherever the command was started.
    local = uri.partition("://")[0] not in ("http", "https", "databricks")
    location = (_absolute(home) / "mlflow-artifacts" / urllib.parse.quote(name, safe="")).as_uri() if local else None
    return str(client.create_experiment(name, artifact_location=location))


@contextmanager
def fluent(uri: str) -> Iterator[Any]:
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
def outside(uri: str) -> Iterator[None]:
    """Turn whatever MLflow throws into one sentence without secrets: it, its database, its object store, a driver, the disk.

    Each of these has errors of its own kind (S3 those of botocore, Google and Azure others again), and what a server answers that
    is none of MLflow's may come out as a KeyError. So everything is the outside but what we have said, and our own mistakes.
    """
    _quiet()
    try:
        yield
    except Exception as error:
        if isinstance(error, TrialwiseError) or _is_our_mistake(error):
            raise
        raise OutsideError(
            f"the model registry failed ({type(error).__name__})",
            given=_without_secrets(uri),
            expected="an MLflow tracking store that answers",
            do="check MLFLOW_TRACKING_URI, the disk and TRIALWISE_HOME, then run the command again",
        ) from error


def _is_our_mistake(error: Exception) -> bool:
    """Tell whether an error is one of a program, and was raised by a line of ours and not by one that we called."""
    if not isinstance(error, TypeError | AttributeError | NameError | LookupError | ArithmeticError | AssertionError):
        return False
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in ("models", "features")


def _quiet() -> None:
    """Silence MLflow's chatter and its reports to its makers; what matters is said by us."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # stdout is for --json
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


def _without_secrets(uri: str) -> str:
    """Return the address without user and password.

    >>> _without_secrets("postgresql://me:secret@db.acme.com/mlflow"), _without_secrets("postgresql://me:se/c#et@db/mlflow")
    ('postgresql://db.acme.com/mlflow', 'postgresql://db/mlflow')
    """
    # A password may hold any sign: whatever stands before the last @ is left out before anything is taken apart.
    scheme, _, rest = uri.partition("://")
    parts = urllib.parse.urlsplit(f"{scheme}://{rest.rpartition('@')[2]}")
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
