"""Registered: what the registry holds of a workspace, read and never written: versions, aliases, tags, model folders.

Everything is addressed by the workspace's name, which is both the experiment and the registered model. Reading needs
mlflow-skinny, SQLAlchemy and Alembic only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.registry.tracking import ABSENT, client_of, configured_uri, is_not_yet_there, outside

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"

DIGEST_TAG = "trialwise.folder_sha256"
SIGNATURE_TAG = "trialwise.signature"

KIND_TAG = "trialwise.kind"
"""What a run of ours is: a training, or a trial of one."""
TRAINING, TRIAL = "training", "trial"

FOLDER = "scorer"
"""What the model folder is called inside the logged model."""


PAGE = 1000
"""How many versions or runs are asked for at once."""


@dataclass(frozen=True, slots=True)
class ChampionRef:
    """One version: the digest its folder must have, and the signature of whoever promoted it, empty if nobody signed."""

    name: str
    version: str
    digest: str
    run_id: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version as the registry tells it."""

    name: str
    version: str
    digest: str
    """SHA-256 of its folder's manifest; empty where its registration was cut off."""
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    created_ms: int = 0
    """When it was registered: milliseconds since 1970 (UTC)."""

    @property
    def ref(self) -> ChampionRef:
        """Return what fetches its folder."""
        return ChampionRef(self.name, self.version, self.digest, self.run_id, self.tags.get(SIGNATURE_TAG, ""))


@dataclass(frozen=True, slots=True)
class Training:
    """What the run of one training recorded."""

    params: Mapping[str, str]
    metrics: Mapping[str, float]


def champion(name: str, home: Path | None = None) -> ChampionRef | None:
    """Return the version that the alias ``champion`` names, or None while there is none."""
    return _aliased(name, CHAMPION, home)


def challenger(name: str, home: Path | None = None) -> ChampionRef | None:
    """Return the version that the alias ``challenger`` names, or None while there is none."""
    return _aliased(name, CHALLENGER, home)


def _aliased(name: str, alias: str, home: Path | None) -> ChampionRef | None:
    uri = configured_uri(home)
    if is_not_yet_there(uri):
        return None
    with outside(uri):
        return by_alias(client_of(uri), name, alias)


def version(name: str, number: str, home: Path | None = None) -> ChampionRef | None:
    """Return one version by its number, or None where there is no such version or its registration was cut off."""
    return next((one.ref for one in versions(name, home) if one.version == number and one.digest), None)


def versions(name: str, home: Path | None = None) -> list[Version]:
    """Return every registered version of a workspace, oldest first; none while nothing was trained."""
    uri = configured_uri(home)
    if is_not_yet_there(uri):
        return []
    with outside(uri):
        return all_versions(client_of(uri), name)


def trainings(name: str, home: Path | None = None) -> dict[str, Training]:
    """Return what was recorded of each training of a workspace, by run id."""
    uri = configured_uri(home)
    if is_not_yet_there(uri):
        return {}
    with outside(uri):
        client = client_of(uri)
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            return {}
        asked, where = f"tags.`{KIND_TAG}` = '{TRAINING}'", [experiment.experiment_id]
        runs = _pages(lambda token: client.search_runs(where, filter_string=asked, max_results=PAGE, page_token=token))
        return {str(run.info.run_id): Training(dict(run.data.params), dict(run.data.metrics)) for run in runs}


def download(ref: ChampionRef, destination: Path, home: Path | None = None) -> Path:
    """Fetch a version's model folder into ``destination`` and return where it is; nothing in it is read or run here."""
    uri = configured_uri(home)
    with outside(uri):
        client = client_of(uri)
        source = client.get_model_version_download_uri(ref.name, ref.version)
        if source.startswith("models:/"):
            source = client.get_logged_model(source.removeprefix("models:/")).artifact_location
        from mlflow.artifacts import download_artifacts

        destination.mkdir(parents=True, exist_ok=True)
        return Path(
            download_artifacts(artifact_uri=f"{source.rstrip('/')}/data/{FOLDER}", dst_path=str(destination), tracking_uri=uri)
        )


def text(ref: ChampionRef, name: str, home: Path | None = None) -> str | None:
    """Return a text that the training of a version left in MLflow, such as its report; None where it left none of that name."""
    uri = configured_uri(home)
    with outside(uri):
        if name not in {str(one.path) for one in client_of(uri).list_artifacts(ref.run_id)}:
            return None
        from mlflow.artifacts import download_artifacts

        with tempfile.TemporaryDirectory() as scratch:
            file = download_artifacts(run_id=ref.run_id, artifact_path=name, dst_path=scratch, tracking_uri=uri)
            return Path(file).read_text(encoding="utf-8")


def registered_model(client: MlflowClient, name: str) -> Any | None:
    """Return MLflow's registered model of that name, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise


def by_alias(client: MlflowClient, name: str, alias: str) -> ChampionRef | None:
    """Return the version that an alias names, or None."""
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise
    return _version(found, ()).ref


def all_versions(client: MlflowClient, name: str) -> list[Version]:
    """Return every version with its aliases, oldest first."""
    model = registered_model(client, name)
    if model is None:
        return []
    aliases: dict[str, list[str]] = {}
    for alias, number in sorted(model.aliases.items()):
        aliases.setdefault(str(number), []).append(alias)
    asked = f"name='{name}'"
    found = _pages(lambda token: client.search_model_versions(asked, max_results=PAGE, page_token=token))
    versions = [_version(one, tuple(aliases.get(str(one.version), ()))) for one in found]
    return sorted(versions, key=lambda one: int(one.version))


def _pages(ask: Callable[[str | None], Any]) -> Iterator[Any]:
    """Yield what MLflow finds, page after page."""
    token = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def _version(found: Any, aliases: tuple[str, ...]) -> Version:
    tags = {str(key): str(value) for key, value in found.tags.items()}
    digest, run_id = tags.get(DIGEST_TAG, ""), str(found.run_id or "")
    return Version(str(found.name), str(found.version), digest, run_id, tags, aliases, int(found.creation_timestamp or 0))
