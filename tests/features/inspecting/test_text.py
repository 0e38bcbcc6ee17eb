"""What init writes is YAML that reads back as it was meant."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from features.inspecting.text import line, listed, quoted
from features.workspaces.yaml_lines import read_yaml

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\ue000\ue001")) | st.sampled_from(
    [
        "no",
        "On",
        "null",
        "~",
        "007",
        "1e3",
        "a: b",
        "- a",
        "${HOME}",
        "{",
        "]",
        "#",
        "'",
        '"',
        "\\",
        "a/b.csv",
        "../x",
        "store",
        "\u2028",
    ]
)


@settings(deadline=None)
@given(st.lists(TEXT, max_size=4))
def test_texts_read_back(texts: list[str]) -> None:
    assert read_yaml(f"k: {listed(texts)}", "x", {}).data == {"k": tuple(texts)}


@settings(deadline=None)
@given(TEXT, TEXT)
def test_a_comment_stays_on_its_line(text: str, comment: str) -> None:
    assert read_yaml(line(f"k: {quoted(text)}", comment) + "\n" + line("  ", comment) + "\nj: 1", "x", {}).data == {
        "k": text,
        "j": 1,
    }


def test_plain_where_plain_will_do() -> None:
    assert [
        quoted(text) for text in ("lead_id", "../a/b.csv.gz", "/x/y.csv", "time in seconds", "a: b", "no", "7", "$id", "${X}")
    ] == [
        "lead_id",
        "../a/b.csv.gz",
        "/x/y.csv",
        "time in seconds",
        '"a: b"',
        '"no"',
        '"7"',
        "$id",
        '"\\U00000024{X}"',
    ]


def test_comments_stand_in_a_column() -> None:
    assert line("a: 1", "why") == "a: 1" + " " * 41 + "# why"
    assert line("  ", "why") == "  # why"
    assert line("a: 1") == "a: 1"
    assert len(line("a: 1", "x" * 500)) < 220
