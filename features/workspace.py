"""Read a workspace file: one YAML text that says what a user's data means. Every mistake is a sentence with file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from features.catalog import feature_set
from features.errors import ColumnError, InputError
from features.workspaces.schema import Workspace
from features.workspaces.yaml_lines import Document, read_yaml

__all__ = ["Workspace", "load_workspace", "parse_workspace"]

_USER_INFO = re.compile(r"://[^/?#\s:@]*:([^@\s]*)@")
_PASSWORD_OPTION = re.compile(r"[?&;](?:password|passwd|pwd|token|secret|api_?key|private_key)=([^&;\s]*)", re.IGNORECASE)
_ONLY_VARIABLES = re.compile(r"(\$\{[A-Za-z_][A-Za-z0-9_]*\})*")

_EXPECTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "string_type": "a text (put it in quotes)",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of names to values",
    "model_attributes_type": "a mapping of names to values",
    "finite_number": "a finite number",
    "string_too_short": "a text that is not empty",
    "too_short": "at least one entry",
    "missing": "it, since it has no default",
}
_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}


def load_workspace(path: str | Path) -> Workspace:
    """Read and check a workspace file; relative sources start at its folder."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _unreadable(path, "no such file", "check the path, or write one with trialwise init") from None
    except UnicodeDecodeError:
        raise _unreadable(path, "a file that is not UTF-8", "save it as UTF-8") from None
    except OSError as error:
        raise _unreadable(path, error.strerror or "a file that cannot be opened", "check the path and its permissions") from None
    return parse_workspace(text, path.absolute().parent, filename=path.name)


def parse_workspace(
    text: str, folder: str | Path, *, filename: str = "workspace.yaml", environment: Mapping[str, str] | None = None
) -> Workspace:
    """Check the text of a workspace file.

    >>> parse_workspace("name: acme\\ndata: {events: {source: e.csv}}\\nbehaviors: {}", ".", filename="acme.yaml")
    Traceback (most recent call last):
        ...
    features.errors.InputError: acme.yaml line 3: given unknown key 'behaviors'; expected one of version, name, language, \
timezone, data, resolution, trial, label, snapshots, sessions, behaviours, features, attributes, exclude, allow, ignore, \
contact, capacity, scorecard, stages, plays, phrases, ideal_customer, webhooks, hold_out; did you mean 'behaviours'?
    """
    document = read_yaml(text, filename, os.environ if environment is None else environment)
    if not isinstance(document.data, dict):
        given = "an empty file" if document.data is None else "a file that is not a mapping"
        raise InputError(
            filename, given=given, expected="a workspace: at least name and data", do="write one with trialwise init"
        )
    _refuse_written_secrets(document)
    try:
        workspace = Workspace.model_validate(document.data, context={"file": filename})
    except ValidationError as error:
        raise _first(error, document) from None
    _refuse_impossible_columns(workspace, document)
    return workspace.model_copy(update={"folder": Path(folder)})


def _unreadable(path: Path, given: str, do: str) -> InputError:
    return InputError(f"workspace file {path}", given=given, expected="a readable YAML file", do=do)


def _refuse_written_secrets(document: Document) -> None:
    """A password stands in the environment, never in the file; the refusal does not repeat it."""
    for path, text in document.raw.items():
        literals = [found[1] for pattern in (_USER_INFO, _PASSWORD_OPTION) for found in pattern.finditer(text)]
        if path[-1] == "secret":
            literals.append(text)
        if any(literal and not _ONLY_VARIABLES.fullmatch(literal) for literal in literals):
            raise InputError(
                document.place(path),
                given=f"a password written into '{path[-1]}'",
                expected="only ${NAME} there, taken from the environment",
                do="put the password into a variable and write its name",
            )


def _refuse_impossible_columns(workspace: Workspace, document: Document) -> None:
    """Build the columns once, so that what cannot be one is said with its line and not in the middle of the work."""
    try:
        feature_set(workspace.definition())
    except ColumnError as error:
        section = "features" if error.column in workspace.features else "attributes"
        raise error.at(document.place((section, error.column))) from None


def _first(error: ValidationError, document: Document) -> InputError:
    """Return the mistake that stands first in the file, as a sentence."""
    found = [_explained(details, document) for details in error.errors(include_url=False, include_input=False)]
    return min(found, key=lambda pair: pair[0])[1]


def _explained(details: ErrorDetails, document: Document) -> tuple[int, InputError]:
    context: Mapping[str, Any] = details.get("ctx", {})
    path = (*details["loc"], *context.get("at", ()))
    expected, do = _words(details["type"], context)
    given = context.get("given") or _given(details["type"], path, document)
    return document.line(path), InputError(document.place(path), given=given, expected=expected, do=do)


def _words(kind: str, context: Mapping[str, Any]) -> tuple[str, str]:
    if kind == "refused":
        return context["expected"], context["do"]
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"a number {words} {context[key]:g}", "correct the number"
    if kind == "literal_error":
        return f"one of {context['expected']}", "choose one of them"
    if kind in ("string_pattern_mismatch", "string_too_long", "too_long"):
        return "letters, digits, - _ and . only, not too long", "shorten or rename it"
    return _EXPECTED.get(kind, "a value that the schema knows"), "add it" if kind == "missing" else "correct the value"


def _given(kind: str, path: tuple[Any, ...], document: Document) -> str:
    """Show the value as it stands in the file, where a variable is still a name."""
    known = document.known(path)
    key = ".".join(str(step) for step in known)
    if kind == "missing":
        return f"no '{path[-1]}'" + (f" in '{key}'" if key else "")
    return f"{key}: {document.raw[known][:60] or 'nothing'}" if known in document.raw else key
