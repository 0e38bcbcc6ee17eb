"""A feature or a behaviour more leaves every other column as it was, also where compiled code comes from a cache on disk."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from features.catalog import feature_set
from features.kernel import look
from features.law_worlds import draw_world
from features.matrix import compute
from features.workspace import parse_workspace

BASE = """
name: acme
data:
  leads: {source: leads.csv, id: id, started_at: at, account: org}
  events: {source: events.csv, lead: l, name: event, at: t, properties: [secs, money]}
  conversions: {source: c.csv, lead: l, at: t}
behaviours:
  session: {events: [login], duration: secs}
  core_use: {events: ["feature.*"]}
"""
BEHAVIOUR = "  add_on: {events: [bought, feature.gold], amount: money}\n  profile: {traits: [photo]}\n"
FEATURE = (
    "features: {mine: {any_sessions: [feature.b, login], window: 5h, behaviour: any}, ours: {account_people: any, window: 9d}}\n"
)
CASES = {
    "base": BASE,
    "behaviour": BASE + BEHAVIOUR,
    "feature": BASE + FEATURE,
    "gap": BASE + "sessions: {gap_minutes: 600}\n",
    "both": BASE + BEHAVIOUR + FEATURE + "exclude: [any_count_1d]\n",
}


def show(case: str) -> None:
    """Print a digest of every column of a case; the worlds are those of all cases together."""
    world = draw_world(feature_set(parse_workspace(CASES["both"], ".").definition()), Random(5), 60)
    features = feature_set(parse_workspace(CASES[case], ".").definition())
    values = compute(features, world.tables(), world.lead, world.as_of).values
    columns = {name: hashlib.sha256(values[:, place].tobytes()).hexdigest() for place, name in enumerate(features.names)}
    print(json.dumps({"columns": columns, "hits": sum(look.stats.cache_hits.values()) if hasattr(look, "stats") else -1}))


def run(case: str, cache: Path) -> dict:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"from tests.features.test_law_cache import show; show({case!r})"],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled, so nothing is cached")
def test_with_a_warm_cache_one_more_changes_no_other_column(tmp_path):
    cold = run("base", tmp_path)
    assert cold["hits"] == 0
    warm = {case: run(case, tmp_path) for case in ("both", "behaviour", "gap", "feature", "base")}
    assert all(one["hits"] > 0 for one in warm.values())
    base = cold["columns"]
    assert warm["base"]["columns"] == base
    for case in ("behaviour", "feature", "both"):
        more = warm[case]["columns"]
        assert len(more.keys() - base.keys()) >= 2
        assert {name: more[name] for name in base if name in more} == {name: base[name] for name in base if name in more}
    assert base.keys() - warm["both"]["columns"].keys() == {"any_count_1d"}
    changed = {name for name, digest in warm["gap"]["columns"].items() if digest != base[name]}
    assert changed
    assert all("sessions" in name or "minutes" in name for name in changed)
