"""YAML is read without its traps, and every value knows its line."""

from __future__ import annotations

from typing import Any

import pytest

from features.errors import InputError
from features.workspaces.yaml_lines import read_yaml


def read(text: str, **environment: str) -> Any:
    return read_yaml(text, "a.yaml", environment).data


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("On", "On"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("none", "none"),
        ("12", 12),
        ("-3", -3),
        ("007", "007"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("0x1f", "0x1f"),
        ("'12'", "12"),
    ],
)
def test_plain_values(text: str, value: object) -> None:
    result = read(f"k: {text}")["k"]
    assert result == value
    assert type(result) is type(value)


def test_keys_are_their_text() -> None:
    assert read("{on: 1, no: 2, 3: 4, null: 5, true: 6}") == {"on": 1, "no": 2, "3": 4, "null": 5, "true": 6}


def test_lists_are_tuples_and_an_empty_file_is_nothing() -> None:
    assert read("- a\n- [b]") == ("a", ("b",))
    assert read("# only a comment") is None


def test_lines_of_values() -> None:
    document = read_yaml("a: 1\nb:\n  c:\n    - x\n    - y\n", "a.yaml", {})
    assert document.line(("a",)) == 1
    assert document.line(("b", "c")) == 3
    assert document.line(("b", "c", 1)) == 5
    assert document.line(("b", "function", "c", "tag", 0)) == 4, "steps that the file does not know are passed over"
    assert document.line(()) == 1
    assert document.place(("b",)) == "a.yaml line 2"


def test_variables_are_substituted_and_nothing_else_is() -> None:
    document = read_yaml(
        "{url: ${URL}, s: 'x-${A}-${A}', t: $A, u: '${a b}', n: ${N}}", "a.yaml", {"URL": "db: {x}", "A": "1", "N": "5"}
    )
    assert document.data == {"url": "db: {x}", "s": "x-1-1", "t": "$A", "u": "${a b}", "n": "5"}
    assert document.raw["url",] == "${URL}"
    assert "db: {x}" not in repr(document.raw)


def test_a_missing_variable_is_a_sentence() -> None:
    assert refusal("a: 1\nb: ${NOT_THERE}") == (
        "a.yaml line 2: environment variable is not set: given ${NOT_THERE}; expected a variable NOT_THERE in the environment; "
        "set NOT_THERE before running Trialwise."
    )
    assert read("# ${NOT_THERE} in a comment\na: 1") == {"a": 1}


def test_a_key_twice() -> None:
    assert refusal("a:\n  b: 1\n  c: 2\n  b: 3") == (
        "a.yaml line 4: key twice: given 'b' again, first on line 2; expected each key once; join the two or delete one."
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "a.yaml line 1: not readable as YAML"),
        ("a: b: c", "a.yaml line 1: not readable as YAML"),
        ("a: 1\n- b", "a.yaml line 2: not readable as YAML"),
        ("a: 1\n---\nb: 2", "not readable as YAML"),
        ("a: 1\nb: \x07", "a.yaml line 2: not readable as YAML: given a character that YAML does not allow"),
        ("[a]: 1", "a list or a mapping as a key"),
        (
            "a: !!python/name:os.system x",
            "a.yaml line 1: not readable as YAML: given the tag tag:yaml.org,2002:python/name:os.system",
        ),
        ("a: !!int abc", "a number that is too long or not a number"),
        ("a: " + "9" * 5000, "a number that is too long or not a number"),
        ("&a [*a]", "nested more than 40 deep"),
        ("[" * 60 + "]" * 60, "nested more than 40 deep"),
        ("[" * 5_000, "nested more than 40 deep"),
        ("a: *x", "a.yaml line 1: not readable as YAML"),
    ],
)
def test_what_is_not_plain_yaml_is_refused(text: str, words: str) -> None:
    assert words in refusal(text)


def test_aliases_repeat_a_value_but_not_without_bound() -> None:
    assert read("a: &x [1]\nb: *x") == {"a": (1,), "b": (1,)}
    bomb = "\n".join(["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)])
    assert "more than 100000 values" in refusal(bomb)


def test_merge_keys_are_keys_like_any_other() -> None:
    assert read("a: &x {b: 1}\nc: {<<: *x}") == {"a": {"b": 1}, "c": {"<<": {"b": 1}}}
