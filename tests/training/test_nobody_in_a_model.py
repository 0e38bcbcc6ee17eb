"""Nobody of the data is found in what a training leaves behind: its model folder, its run and its registry (check 35)."""

from __future__ import annotations

from tests.training import trained_home as shared

trained_home = shared.trained_home
MARKS = (b"lead-0", b"account-", b"@acme.test")
"""Beginnings of every id, account and address of the small world."""


def test_a_training_leaves_no_name_behind(trained_home: shared.TrainedHome) -> None:
    given = b"".join(path.read_bytes() for path in trained_home.workspace.parent.glob("*.csv"))
    assert all(mark in given for mark in MARKS)
    left = [path for path in trained_home.home.rglob("*") if path.is_file()]
    assert {"manifest.json", "learner.json", "facts.json"} <= {path.name for path in left}
    assert any(path.suffix == ".db" for path in left)
    told = [(str(path.relative_to(trained_home.home)), mark) for path in left for mark in MARKS if mark in path.read_bytes()]
    assert told == []
