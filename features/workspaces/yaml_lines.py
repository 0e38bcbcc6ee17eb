"""YAML with line numbers, and without the traps of YAML 1.1.

``no``, ``on`` and ``12:30`` stay texts (Norway is not false), dates stay texts, a key given twice is refused, and nothing but
``${NAME}`` is substituted, from the environment. Every value remembers its line, so that every error can name one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from features.errors import InputError
from features.workspaces.yaml_words import mistake_in

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]

_MOST_VALUES = 100_000
_DEEPEST = 40
# ${NAME} is hidden from the YAML parser, to which its braces mean a mapping, between two private-use characters.
_OPEN, _CLOSE = "\ue000", "\ue001"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HIDDEN = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")


class _Loader(yaml.SafeLoader):
    """SafeLoader with the few plain values of YAML 1.2: true, false, null and decimal numbers; all else is text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (the name is PyYAML's)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    # A leading zero is kept as text, since 007 is an id, not a number.
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?((0|[1-9][0-9]*)?\.[0-9]+|(0|[1-9][0-9]*)\.?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [c.strip("\0") for c in _first])


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a YAML text, each with its line."""

    name: str
    data: Any
    lines: dict[Path, int] = field(repr=False)
    raw: dict[Path, str] = field(repr=False)
    """The texts as they stand in the file: ``${NAME}`` is still there, so these may be shown."""

    def known(self, path: tuple[Any, ...]) -> Path:
        """Return a path without the steps that the file does not have."""
        known: Path = ()
        for step in path:
            if (*known, step) in self.lines:
                known = (*known, step)
        return known

    def line(self, path: tuple[Any, ...]) -> int:
        """Return the line of the deepest value on a path that the file has."""
        return self.lines.get(self.known(path), 1)

    def place(self, path: tuple[Any, ...]) -> str:
        """Return the file and line of a path, as errors name them."""
        return f"{self.name} line {self.line(path)}"


def read_yaml(text: str, name: str, environment: Mapping[str, str]) -> Document:
    """Parse a YAML text into dicts, tuples and scalars; its mistakes are sentences that name file and line."""
    hidden = _VARIABLE.sub(lambda found: f"{_OPEN}{found[1]}{_CLOSE}", text)
    try:
        node = yaml.compose(hidden, Loader=_Loader)
    except yaml.YAMLError as error:
        line, given, do = mistake_in(hidden, error)
        raise _misread(f"{name} line {line}" if line else name, _shown(given), do) from None
    except RecursionError:
        raise _misread(name, f"values nested more than {_DEEPEST} deep") from None
    reader = _Reader(name, environment)
    data = reader.value(node, ()) if node is not None else None
    return Document(name, data, reader.lines, reader.raw)


class _Reader:
    """Turns YAML nodes into plain values, and notes where each stands."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self.environment = environment
        self.lines: dict[Path, int] = {}
        self.raw: dict[Path, str] = {}

    def value(self, node: yaml.Node, path: Path, line: int | None = None) -> Any:
        self.lines[path] = line or node.start_mark.line + 1
        # Aliases may repeat a value, and even hold themselves: what they unfold to is bounded.
        if len(self.lines) > _MOST_VALUES or len(path) > _DEEPEST:
            raise _misread(self.place(node), f"more than {_MOST_VALUES} values, or values nested more than {_DEEPEST} deep")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.value(item, (*path, i)) for i, item in enumerate(node.value))
        return self.scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _misread(self.place(key_node), "a list or a mapping as a key")
            # The text itself, whatever YAML would make of it: `on`, `no`, `1` and `null` are keys like any other.
            key = _shown(key_node.value)
            if key in result:
                raise InputError(
                    f"{self.place(key_node)}: key twice",
                    given=f"'{key}' again, first on line {self.lines[(*path, key)]}",
                    expected="each key once",
                    do="join the two or delete one",
                )
            result[key] = self.value(value_node, (*path, key), key_node.start_mark.line + 1)
        return result

    def scalar(self, node: yaml.Node, path: Path) -> Scalar:
        text = str(node.value)
        self.raw[path] = _shown(text)
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind == "str":
            return _HIDDEN.sub(lambda found: self.variable(found[1], node), text)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        try:
            if kind == "int":
                return int(text)
            if kind == "float":
                return float(text)
        except ValueError:
            raise _misread(self.place(node), "a number that is too long or not a number") from None
        raise _misread(self.place(node), f"the tag {_shown(node.tag)}")

    def variable(self, name: str, node: yaml.Node) -> str:
        value = self.environment.get(name)
        if value is None:
            raise InputError(
                f"{self.place(node)}: environment variable is not set",
                given=f"${{{name}}}",
                expected=f"a variable {name} in the environment",
                do=f"set {name} before running Trialwise",
            )
        return value

    def place(self, node: yaml.Node) -> str:
        return f"{self.name} line {node.start_mark.line + 1}"


def _shown(text: str) -> str:
    return _HIDDEN.sub(lambda found: f"${{{found[1]}}}", text)


def _misread(where: str, given: str, do: str = "correct the text there") -> InputError:
    return InputError(f"{where}: not readable as YAML", given=given, expected="plain YAML", do=do)
