"""A simulated world without files: the very tables that reading its files gives."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from features.tables import read_tables
from features.workspace import load_workspace
from training.simulated_tables import tables_of, workspace_of
from training.simulator import simulate


def test_the_same_as_from_files(tmp_path: Path) -> None:
    world = simulate(3, leads=150, days=90)
    file = world.write(tmp_path)
    read, made = read_tables(load_workspace(file)), tables_of(world)
    assert workspace_of(world).definition() == load_workspace(file).definition()
    assert (read.newest, read.unmapped) == (made.newest, made.unmapped)
    for field in fields(read.leads):
        one, other = getattr(read.leads, field.name), getattr(made.leads, field.name)
        if isinstance(one, dict):
            assert one.keys() == other.keys()
            for key in one:
                np.testing.assert_array_equal(one[key], other[key])
        else:
            np.testing.assert_array_equal(one, other)
    assert read.events.names == made.events.names

    def content(events: object) -> list[tuple[int, ...]]:
        return sorted(zip(*(getattr(events, name).tolist() for name in ("lead", "at", "name", "known", "count")), strict=True))

    assert content(read.events) == content(made.events)
