"""The playbook: what people can do for a lead, as the library has it and the workspace changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from features.workspace import Workspace
from features.workspaces.conditions import all_hold
from features.workspaces.selling import PlaySpec
from features.workspaces.yaml_lines import read_yaml

LIBRARY = Path(__file__).parent / "plays" / "library.yaml"


@dataclass(frozen=True, slots=True)
class Play:
    """Something that people can do for a lead, under the name by which contacts speak of it."""

    name: str
    spec: PlaySpec

    def text(self, language: str) -> str:
        """Return what to do, in a language; its name where nobody gave it words."""
        return in_words(self.spec.text, language) or self.name.replace("_", " ").capitalize()

    def suits(self, stage: str, values: Mapping[str, object]) -> bool:
        """Tell whether it is meant for leads of a stage with such features and attributes; what is missing fulfils nothing."""
        spec = self.spec
        return spec.enabled and (not spec.stages or stage in spec.stages) and all_hold(values, spec.suits)

    @property
    def is_for_all(self) -> bool:
        """Tell whether it reaches everybody at once, so that it takes none of the week's contacts."""
        return self.spec.reach == "all"


def playbook(ws: Workspace) -> tuple[Play, ...]:
    """Return the plays of the library with the lines that the workspace changes, then those of its own."""
    library = _library()
    found = {name: _changed(spec, ws.plays.get(name)) for name, spec in library.items()}
    found |= {name: spec for name, spec in ws.plays.items() if name not in library}
    return tuple(Play(name, spec) for name, spec in found.items())


def words(key: str, language: str, **given: str) -> str:
    """Return what is said around the plays."""
    return str(in_words(_read()["words"][key], language)).format(**given)


def in_words(text: str | Mapping[Any, str] | None, language: str) -> str | None:
    """Return a text in a language, else in English, else in the first one there is.

    >>> in_words({"de": "Anrufen"}, "tr"), in_words("Call", "de"), in_words({"en": "Call", "tr": "Arayın"}, "tr")
    ('Anrufen', 'Call', 'Arayın')
    """
    if text is None or isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()), None)


def _changed(spec: PlaySpec, other: PlaySpec | None) -> PlaySpec:
    """Return a play with the lines that another names."""
    return spec if other is None else spec.model_copy(update={key: getattr(other, key) for key in other.model_fields_set})


@cache
def _read() -> dict[str, Any]:
    return dict(read_yaml(LIBRARY.read_text(encoding="utf-8"), LIBRARY.name, {}).data)


@cache
def _library() -> dict[str, PlaySpec]:
    return {name: PlaySpec.model_validate(play) for name, play in _read()["plays"].items()}
