"""A small workspace, a model of it, a registry in memory, and a server over both databases."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.catalog import feature_set
from features.errors import OutsideError
from features.workspace import Workspace, load_workspace
from models import artifact
from models.calibration_fit import fit_calibrator
from models.columns import columns_of
from models.learners import fit_logistic
from models.phrasing import typical_kinds
from models.reference import Reference, score_quantiles, typical_values
from models.registry import ChampionRef
from models.registry.signing import signature_of
from models.scorer import Meta, Scorer
from serving.app import create_app
from serving.settings import Settings
from tests import store_fixture
from tests.models.conftest import invent
from tests.serving.client import TestClient

store_url = store_fixture.made_store_url

WORKSPACE = """
name: acme
data:
  leads: {source: leads.csv, id: lead_id, started_at: signed_up_at, ended_at: cancelled_at, trial_ends_at: trial_end,
          account: org}
  events: {source: events.csv, lead: lead_id, name: event, at: at, id: message_id, received_at: received_at, count: n,
           properties: [plan, minutes]}
  conversions: {source: conversions.csv, lead: lead_id, at: paid_at}
behaviours:
  session: {events: [login], duration: minutes}
  core_use: {events: ["feature.*"]}
  purchase_intent: {events: [{event: upgrade, where: {plan: {eq: pro}}}, "page:/pricing*"]}
  profile: {events: [profile_saved], traits: [title, country]}
  marketing: {events: ["campaign.*"]}
  sales: {events: [demo]}
attributes: {country: category, company_size: number}
ignore: {email: ["*@acme.com"]}
"""
AGES = (1.0, 3.0, 7.0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acme")
    (folder / "acme.yaml").write_text(WORKSPACE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def workspace(folder: Path) -> Workspace:
    return load_workspace(folder / "acme.yaml")


def make_scorer(workspace: Workspace, seed: int) -> Scorer:
    """Fit a small logistic model on invented rows; another seed is another model."""
    definition = workspace.definition(
        vocabulary={"core_use": ("feature_a", "feature_b")}, categories={"country": ("DE", "TR", "US")}
    )
    features = feature_set(definition)
    values = invent(features, 300, seed)
    columns = columns_of(features, values)
    x = np.ascontiguousarray(values[:, [features.index(column.name) for column in columns]])
    score = 0.8 * values[:, features.index("core_use_count_7d")] + (values[:, features.index("country")] == 2) - 2.5
    y = (np.random.default_rng(seed).random(len(values)) < 1 / (1 + np.exp(-score))).astype(np.float64)
    w = np.ones(len(y))
    learner = fit_logistic(x, y, w, columns, c=0.1)
    raw = learner.raw(x)
    calibrator = fit_calibrator("platt", raw, y, w)
    ages = values[:, features.index("trial_age_d")]
    reference = Reference(
        ages=AGES,
        quantiles=score_quantiles(calibrator.probability(raw), ages, AGES),
        oldest_age_days=7.0,
        pql_threshold=0.4,
        typical=typical_values(x, ages, columns, typical_kinds(features.features), AGES),
        volumes={"session": 1.5},
        verdict="publish",
    )
    return Scorer(
        definition, columns, learner, calibrator, reference, Meta("acme", 30.0, {"rows": len(x), "rows_sha256": f"{seed:064x}"})
    )


@pytest.fixture(scope="session")
def models(folder: Path, workspace: Workspace) -> dict[str, Path]:
    """Two saved models, by version."""
    saved = {}
    for version in ("1", "2"):
        saved[version] = folder / f"model-{version}"
        artifact.save(make_scorer(workspace, int(version)), saved[version])
    return saved


class FakeRegistry:
    """A registry that tests promote in, cut off and tamper with."""

    def __init__(self, models: dict[str, Path]) -> None:
        self.models = models
        self.version: str | None = None
        self.rival: str | None = None
        """The challenger."""
        self.is_down = False
        self.digest: str | None = None
        self.signature = ""
        self.downloads = 0

    def champion(self, name: str) -> ChampionRef | None:
        return self._named(name, self.version)

    def challenger(self, name: str) -> ChampionRef | None:
        return self._named(name, self.rival)

    def _named(self, name: str, version: str | None) -> ChampionRef | None:
        if self.is_down:
            raise OutsideError("the model registry failed", given="x", expected="y", do="z")
        if version is None:
            return None
        digest = self.digest or artifact.folder_digest(self.models[version])
        return ChampionRef(name, version, digest, "run", self.signature)

    def sign(self, name: str) -> None:
        """Sign the version that is champion with the key of the environment."""
        ref = self.champion(name)
        self.signature = signature_of(ref) if ref else ""

    def download(self, ref: ChampionRef, destination: Path) -> Path:
        if self.is_down:
            raise OutsideError("the model registry failed", given="x", expected="y", do="z")
        self.downloads += 1
        shutil.copytree(self.models[ref.version], destination / "scorer")
        return destination / "scorer"


@pytest.fixture
def registry(models: dict[str, Path]) -> FakeRegistry:
    registry = FakeRegistry(models)
    registry.version = "1"
    return registry


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> Settings:
    return Settings(tmp_path / "var", store_url, key_secret="test", open_to_all=True, poll_seconds=0.05)


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def client(workspace: Workspace, settings: Settings, registry: FakeRegistry) -> Iterator[TestClient]:
    """An open server with a model; its client speaks as loopback."""
    app = create_app(workspace, settings, source=registry)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        if registry.version is not None:
            wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client
