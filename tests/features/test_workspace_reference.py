"""The reference names every key of the workspace file and no other, and each of its examples is one that the schema takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from features.workspace import parse_workspace
from features.workspaces.behaviours import EventPattern
from features.workspaces.data import FileSource, SqlSource, StoreSource
from features.workspaces.own_features import OwnFeature
from features.workspaces.schema import Workspace
from features.workspaces.section import Section
from features.workspaces.yaml_lines import read_yaml

FOLDER = Path(__file__).parents[2] / "features"
PAGE = (FOLDER / "WORKSPACE.md").read_text(encoding="utf-8")
ROWS = [re.split(r"\s*\|\s*", row)[1:-1] for row in re.findall(r"^\|.*\|$", PAGE, re.MULTILINE)]
ROWS = [row for row in ROWS if row[0] != "key" and not set(row[0]) <= {"-"}]
KEYS = [row[0].strip("`") for row in ROWS]
SECRETS = {name: f"${{{name}}}" for name in ("WAREHOUSE_URL", "HOOK_SECRET")}

EVENT = "behaviours.*.events.*"
"""Where an entry of a list of events is told; elsewhere the page just says events."""


def sections_in(annotation: Any) -> Iterator[tuple[type[Section], bool]]:
    """Yield the sections inside a type, and whether they stand under names or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, False
    for inner in get_args(annotation):
        many = getattr(annotation, "__origin__", None) in (dict, tuple)
        yield from ((section, many or deeper) for section, deeper in sections_in(inner))


def keys_of(section: type[Section], path: str = "") -> Iterator[tuple[str, bool]]:
    """Yield every key that may be written, and whether it holds other keys that the page names."""
    for name, field in section.model_fields.items():
        if name in section.internal:
            continue
        key = f"{path}{field.alias or name}"
        inside = {one: many for one, many in sections_in(field.annotation) if one not in (FileSource, StoreSource)}
        if SqlSource in inside:
            yield key, False
            yield from keys_of(SqlSource, "source.")
        elif OwnFeature in inside:
            assert set(OwnFeature.model_fields) == {"family", "patterns", "of", "window", "behaviour"}
            yield key, True
            yield from ((f"{key}.*.{one}", False) for one in ("<family>", "window", "behaviour"))
        elif EventPattern in inside:
            yield key, False
            if f"{key}.*" == EVENT:
                yield from keys_of(EventPattern, f"{EVENT}.")
        elif inside:
            yield key, True
            for one, many in inside.items():
                yield from keys_of(one, f"{key}.*." if many else f"{key}.")
        else:
            yield key, False


SCHEMA = dict(keys_of(Workspace))


def test_the_page_names_every_key_once_and_no_other() -> None:
    assert len(KEYS) == len(set(KEYS))
    assert [key for key, holds in SCHEMA.items() if not holds and key not in KEYS] == []
    assert [key for key in KEYS if key not in SCHEMA] == []
    assert len(KEYS) > 90


def test_a_key_that_is_forgotten_or_made_up_would_be_found() -> None:
    assert {"data.events.count", "trial.inactive_days", f"{EVENT}.where", "webhooks.*.on", "source.url"} <= SCHEMA.keys()
    assert not {"folder", "data.events.where", "data.leads.source.kind", "features.*.patterns"} & SCHEMA.keys()


def _base(path: tuple[str, ...], key: str) -> dict[str, Any]:
    """Return what must stand beside a key in its section."""
    if path == ("data", "conversions"):
        return {} if key in ("source", "events") else {"source": "paid.csv"}
    if path[:1] == ("data",) and len(path) == 2:
        return {"source": "table.csv"}
    needed = {"behaviours": {"events": ["done"]}, "webhooks": {"url": "https://crm.example"}, "features": {"count": "core_use"}}
    return dict(needed.get(path[0], {})) if len(path) == 2 else {}


def _workspace(key: str, example: str) -> dict[str, Any]:
    """Return a whole workspace around the example of a key."""
    told = json.loads(json.dumps(read_yaml(example, "example", SECRETS).data))
    steps = tuple(key.split("."))
    (first,) = list(told)[:1]
    if key.startswith("source."):
        steps, told = ("data", "events", "source"), {"source": {"url": "sqlite:///a", "query": "select 1"} | told}
        first = "source"
    if key.startswith(EVENT):
        told = {"events": [{"event": "nps"} | told]} if first == "where" else told
        steps, first = ("behaviours", "*", "events"), "events"
    path = steps[: steps.index(first)] if first in steps else steps[: steps.index("*")]
    path = tuple("education" if step == "*" else step for step in path)
    whole: dict[str, Any] = {
        "name": "acme",
        "data": {"leads": {"source": "leads.csv"}, "events": {"source": "events.csv"}},
        "behaviours": {"core_use": {"events": ["feature.*"]}},
        "attributes": {"seats": "number", "country": "category"},
    }
    if first == "converted":  # beside dates something has to say when
        whole["data"]["conversions"] = {"source": "conversions.csv"}
    inside = whole
    for depth, step in enumerate(path, 1):
        inside = inside.setdefault(step, _base(path[:depth], first))
    inside.update(told)
    return whole


@pytest.mark.parametrize("row", ROWS, ids=KEYS)
def test_every_example_is_one_that_the_schema_takes(row: list[str]) -> None:
    key, takes, default, example = row
    assert takes
    assert default
    text = json.dumps(_workspace(key.strip("`"), example.strip("`")), ensure_ascii=False)
    parse_workspace(text, FOLDER, environment=SECRETS)


def test_what_it_links_to_is_there() -> None:
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in guide.splitlines() if line[:1] == "#"
    }
    links = re.findall(r"\(README\.md#([^)]+)\)", PAGE)
    assert links
    assert set(links) <= headings
    assert "(WORKSPACE.md)" in guide
