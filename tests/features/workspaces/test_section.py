"""A section refuses what it does not know, and says what it knows."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pydantic import Field, ValidationError

from features.workspaces.section import Many, PlainName, Section, Texts, TextSet, Zone, refused, unknown


class Example(Section):
    internal: ClassVar[frozenset[str]] = frozenset({"inner"})
    texts: Texts = ()
    words: TextSet = ()
    zone: Zone = "UTC"
    name: PlainName = "a"
    from_: str = Field(default="x", alias="from")
    inner: int = 0


def test_keys_are_those_of_the_file() -> None:
    assert Example.written_keys() == ("texts", "words", "zone", "name", "from")
    with pytest.raises(ValidationError) as caught:
        Example.model_validate({"wrods": ()})
    context = caught.value.errors()[0]["ctx"]
    assert context["given"] == "unknown key 'wrods'"
    assert context["expected"] == "one of texts, words, zone, name, from"
    assert context["do"] == "did you mean 'words'?"
    assert context["at"] == ("wrods",)


def test_one_value_is_a_list_of_one_and_a_set_has_one_order() -> None:
    found = Example.model_validate({"texts": "b", "words": ("b", "a", "b")})
    assert found.texts == ("b",)
    assert found.words == ("a", "b")
    assert Many.func(None) is None


@pytest.mark.parametrize(
    "value",
    [
        {"texts": 5},
        {"texts": ("",)},
        {"texts": None},
        {"zone": ""},
        {"zone": "/etc/localtime"},
        {"name": "A"},
        {"name": "a" * 61},
        {"name": ""},
    ],
)
def test_no_type_is_guessed(value: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate(value)


def test_refusals() -> None:
    assert refused("x", "y").context == {"expected": "x", "do": "y", "given": "", "at": ()}
    far = unknown("word", "zzz", ("abc",)).context
    none = unknown("word", "zzz", ()).context
    assert far is not None
    assert far["do"] == "choose one of them or delete it"
    assert none is not None
    assert none["expected"] == "none, since none is declared"
