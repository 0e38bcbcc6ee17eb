"""A small product with a champion, and a CRM that knows its leads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from features.workspace import load_workspace
from models.champion import Champion
from models.registry import ChampionRef
from serving.crm import push
from tests.serving.conftest import make_scorer
from tests.serving.crm.fake_crm import TOKEN, FakeCrm, running

WORKSPACE = """
name: acme
data:
  leads: {source: leads.csv, id: lead_id, started_at: at}
  events: {source: events.csv, lead: lead_id, name: event, at: at}
  conversions: {source: paid.csv, lead: lead_id, at: at}
behaviours:
  session: {events: [login]}
  core_use: {events: ["feature.*"]}
  purchase_intent: {events: [upgrade]}
  profile: {events: [profile_saved]}
  marketing: {events: ["campaign.*"]}
  sales: {events: [demo]}
attributes: {country: category, company_size: number}
contact: {email: email}
"""
LEADS = 7


def write_world(folder: Path, count: int = LEADS) -> None:
    leads = [
        f"lead-{i},2026-05-0{1 + i % 3}T00:00:00Z,{'' if i == 6 else f'Lead{i}@Acme.test'},TR,{i * 10}" for i in range(count)
    ]
    (folder / "leads.csv").write_text("\n".join(["lead_id,at,email,country,company_size", *leads]) + "\n")
    events = [f"lead-{i},feature.{n},2026-05-05T0{n}:00:00Z" for i in range(count) for n in range(min(i, 9))]
    (folder / "events.csv").write_text("\n".join(["lead_id,event,at", *events]) + "\n")
    (folder / "paid.csv").write_text("lead_id,at\n")
    (folder / "acme.yaml").write_text(WORKSPACE)


@pytest.fixture
def crm() -> Iterator[FakeCrm]:
    with running() as crm:
        yield crm


@pytest.fixture
def file(tmp_path: Path, crm: FakeCrm, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace file with a champion, and the environment that points at the CRM."""
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "var"))
    for name in ("MLFLOW_TRACKING_URI", "TRIALWISE_DATABASE_URL", "TRIALWISE_SALESFORCE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRIALWISE_HUBSPOT_URL", crm.url)
    monkeypatch.setenv("TRIALWISE_HUBSPOT_TOKEN", TOKEN)
    monkeypatch.setenv("TRIALWISE_SALESFORCE_URL", crm.url)
    monkeypatch.setenv("TRIALWISE_SALESFORCE_CLIENT_ID", "id")
    monkeypatch.setenv("TRIALWISE_SALESFORCE_CLIENT_SECRET", "secret")
    write_world(tmp_path)
    champion = Champion(ChampionRef("acme", "1", "0" * 64, "run", ""), make_scorer(load_workspace(tmp_path / "acme.yaml"), 1))
    monkeypatch.setattr(push, "need_champion", lambda name: champion)
    return tmp_path / "acme.yaml"
