"""What is wrong with a YAML text is said in plain words, with the line on which it begins."""

from __future__ import annotations

import pytest
import yaml

from features.workspaces.yaml_words import mistake_in


@pytest.mark.parametrize(
    ("text", "line", "given", "do"),
    [
        ("a: b: c", 1, "a ':' where no key can stand", "contains ': ' in quotes"),
        ("a: 1\n  b: 2", 2, "a ':' where no key can stand", "begin in one column"),
        ("x: 1\na: [b\nc: d\n", 2, "a list in [ ] without", "add what is missing"),
        ("x: 1\na: {b: 1\n", 2, "a mapping in { } without", "add what is missing"),
        ('x: 1\na: "x\nb: 2', 2, "a quote that is not closed", "close it"),
        ('x: 1\na: "x\n---\nb: 2', 2, "a quote that is not closed", "close it"),
        ("a: 'it's'", 1, "text that belongs to nothing above it", "in quotes"),
        ("a: 1\n- b", 2, "text that belongs to nothing above it", "begin in one column"),
        ("a: [*.foo]", 1, "a * or & at the beginning", "in quotes"),
        ("a: *x", 1, "a * or & at the beginning", "in quotes"),
        ("a:\n\tb: 1", 2, "a tab", "indent with blanks"),
        ("a: @x", 1, "a sign at the beginning", "in quotes"),
        ("a: b\nc\nd: 1", 2, "a line without ':'", "write KEY: VALUE"),
        ("a: 1\n---\nb: 2", 2, "a second document", "keep one"),
        ("a: - b", 1, "a list behind its key", "a line of its own"),
        ('a: "\\q"', 1, "a \\ in double quotes", "use single quotes"),
        ("a: 1\nb: \x07", 2, "a character that YAML does not allow", "delete it"),
        ("a: |x\n b", 1, "text that is no YAML (expected chomping", "correct the text"),
    ],
)
def test_a_mistake_is_told_where_it_begins(text: str, line: int, given: str, do: str) -> None:
    with pytest.raises(yaml.YAMLError) as caught:
        yaml.compose(text, Loader=yaml.SafeLoader)
    found = mistake_in(text, caught.value)
    assert found.line == line
    assert found.given.startswith(given)
    assert do in found.do


def test_a_parser_that_says_nothing_is_no_fault_either() -> None:
    assert mistake_in("x", yaml.YAMLError()) == (None, "text that is no YAML", "correct the text there")
    begun = yaml.MarkedYAMLError(context_mark=yaml.Mark("", 0, 4, 0, None, 0))
    assert mistake_in("x", begun).line == 5
