"""Law 2: whatever is known later is never seen. Full files, and files cut at WHEN, give the same bytes."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.conftest import ROOT, Trained, trialwise

SHARED = ROOT.parent / "shared" / "data"


def rewrite(source: Path, target: Path, keep: Callable[[dict[str, str]], dict[str, str] | None]) -> None:
    """Copy a gzipped CSV row by row; ``keep`` returns the row as it was known then, or None."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        gzip.open(source, "rt", encoding="utf-8", newline="") as read,
        gzip.open(target, "wt", encoding="utf-8", newline="") as out,
    ):
        rows = csv.DictReader(read)
        writer = csv.DictWriter(out, rows.fieldnames or [])
        writer.writeheader()
        for row in rows:
            kept = keep(row)
            if kept is not None:
                writer.writerow(kept)


def folder_bytes(home: Path) -> dict[str, bytes]:
    """Return the files of the one model folder in a home's artifact store, by their name."""
    manifests = sorted(home.rglob("manifest.json"))
    assert len(manifests) == 1, manifests
    folder = manifests[0].parent
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def same_everywhere(full: Path, cut: Path, workspace: str, when: str, tmp_path: Path) -> None:
    answers = []
    for name, folder in (("full", full), ("cut", cut)):
        home = tmp_path / name / "var"
        file = folder / workspace
        trialwise("train", "-w", file, "--as-of", when, "--trials", 2, "--promote", "force", home=home)
        for verb in ("features", "score"):
            trialwise(verb, "-w", file, "--as-of", when, "--out", tmp_path / name / f"{verb}.csv", home=home)
        answers.append((folder_bytes(home), *((tmp_path / name / f"{v}.csv").read_bytes() for v in ("features", "score"))))
    (model, features, scores), (model_cut, features_cut, scores_cut) = answers
    assert model.keys() == model_cut.keys()
    for name in model:
        assert model[name] == model_cut[name], name
    assert features.count(b"\n") > 20
    assert features == features_cut
    assert scores == scores_cut


@pytest.mark.slow
def test_on_the_simulator(trained: Trained, tmp_path: Path) -> None:
    when = "2026-03-01T00:00:00+00:00"
    cut = tmp_path / "cut_data"
    limit = "2026-03-01T00:00:00"

    def blank_later(row: dict[str, str]) -> dict[str, str] | None:
        if row["signed_up_at"] > limit:
            return None
        return row | {"cancelled_at": "" if row["cancelled_at"] > limit else row["cancelled_at"]}

    rewrite(trained.folder / "leads.csv.gz", cut / "leads.csv.gz", blank_later)
    rewrite(
        trained.folder / "events.csv.gz",
        cut / "events.csv.gz",
        lambda row: row if max(row["at"], row["received_at"]) <= limit else None,
    )
    rewrite(
        trained.folder / "conversions.csv.gz",
        cut / "conversions.csv.gz",
        lambda row: row if row["converted_at"] <= limit else None,
    )
    (cut / "workspace.yaml").write_text(trained.workspace.read_text())
    same_everywhere(trained.folder, cut, "workspace.yaml", when, tmp_path)


def merged_on(start: str) -> str:
    """When it is told which visitor a lead was: some days after its start, in the same month."""
    return f"{start[:8]}{min(28, int(start[8:10]) + 3):02d}{start[10:]}"


def write_merged(source: Path, folder: Path, text: str, known: Callable[[str], bool]) -> None:
    """Write what is known: half of the leads did their first days as a visitor, and some turn out to be an earlier lead."""
    with gzip.open(source / "leads.csv.gz", "rt", encoding="utf-8", newline="") as read:
        starts = {row["lead_id"]: row["signed_up_at"] for row in csv.DictReader(read)}
    ids = list(starts)
    merges = [(f"visitor {one}", one, merged_on(start)) for one, start in starts.items()]
    merges += [(ids[i], ids[i // 2], merged_on(starts[ids[i]])) for i in range(3, len(ids), 7)]

    def lead(row: dict[str, str]) -> dict[str, str] | None:
        ended = row["cancelled_at"]
        return row | {"cancelled_at": ended if known(ended) else ""} if known(row["signed_up_at"]) else None

    def event(row: dict[str, str]) -> dict[str, str] | None:
        one = row["lead_id"]
        unknown = int(one[-1], 36) % 2 and row["at"] < merged_on(starts[one])
        return row | {"lead_id": f"visitor {one}" if unknown else one} if known(max(row["at"], row["received_at"])) else None

    rewrite(source / "leads.csv.gz", folder / "leads.csv.gz", lead)
    rewrite(source / "events.csv.gz", folder / "events.csv.gz", event)
    rewrite(source / "conversions.csv.gz", folder / "conversions.csv.gz", lambda row: row if known(row["converted_at"]) else None)
    with (folder / "merges.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("visitor", "user", "at"), *(merge for merge in merges if known(merge[2]))])
    (folder / "workspace.yaml").write_text(text, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("table", [True, False], ids=["with a table of leads", "without"])
def test_merges_and_accounts(trained: Trained, tmp_path: Path, table: bool) -> None:
    when, limit = "2026-03-01T00:00:00+00:00", "2026-03-01T00:00:00"
    text = trained.workspace.read_text(encoding="utf-8")
    text = text.replace("data:\n", "data:\n  identities: {source: merges.csv, from: visitor, to: user}\n")
    if not table:
        text = re.sub(r"  leads: \{source.*\n", "", text)
        text = re.sub(r"(attributes|contact): .*\n", "", text)
    write_merged(trained.folder, tmp_path / "full", text, lambda time: True)
    write_merged(trained.folder, tmp_path / "cut", text, lambda time: time <= limit)
    found = []
    for folder in (tmp_path / "full", tmp_path / "cut"):
        out, home = folder / "features.csv", folder / "var"
        trialwise("features", "-w", folder / "workspace.yaml", "--as-of", when, "--out", out, home=home)
        found.append(out.read_bytes())
    assert found[0].count(b"\n") > 100
    assert found[0] == found[1]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real data sets are not beside this checkout")
@pytest.mark.parametrize(("name", "workspace", "when"), [("365", "365", "2022-08-01"), ("relax", "relax_7", "2013-12-01")])
def test_on_real_sets(name: str, workspace: str, when: str, tmp_path: Path) -> None:
    text = (ROOT / "tests" / "workspaces" / f"{workspace}.yaml").read_text()
    source = SHARED / name
    full, cut = tmp_path / "full_data", tmp_path / "cut_data"
    for file in ("leads", "events", "conversions"):
        rewrite(source / f"{file}.csv.gz", full / f"{file}.csv.gz", lambda row: row)
    rewrite(full / "leads.csv.gz", cut / "leads.csv.gz", lambda row: row if row["signed_up_at"] <= when else None)
    # A row dated D is known once D is over: the last day that is known at WHEN is the day before.
    rewrite(full / "events.csv.gz", cut / "events.csv.gz", lambda row: row if row["timestamp"] < when else None)
    rewrite(full / "conversions.csv.gz", cut / "conversions.csv.gz", lambda row: row if row["converted_at"] < when else None)
    for folder in (full, cut):
        (folder / "w.yaml").write_text(text.replace(f"../../../shared/data/{name}/", ""))
    same_everywhere(full, cut, "w.yaml", when, tmp_path)
