from __future__ import annotations

import pytest

from models.errors import ModelError
from models.strict import Fields, read_json, write_json


def test_equal_values_are_equal_bytes() -> None:
    assert write_json({"b": [1.0, 0.1], "a": "ü"}) == write_json({"a": "ü", "b": [1.0, 0.1]}) == '{"a":"ü","b":[1.0,0.1]}\n'


@pytest.mark.parametrize("value", [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1e22])
def test_a_double_survives_writing_and_reading(value: float) -> None:
    found = read_json(write_json(value), "x")
    assert isinstance(found, float)
    assert found.hex() == value.hex()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "has a key twice"),
        ('{"a": {"b": 1, "b": 1}}', "has a key twice"),
        ("[NaN]", "not finite"),
        ("[-Infinity]", "not finite"),
        ("[1e400]", "not finite"),
        ("[" + "1" * 400 + "]", "too long"),
        ("{", "is not JSON"),
        ("", "is not JSON"),
        ("[" * 200_000, "nested too deeply"),
    ],
)
def test_what_json_readers_let_pass_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_json(text, "some.json")


def fields(value: object) -> Fields:
    return Fields({"key": value}, "some.json", ["key"])


def test_right_values_are_returned() -> None:
    assert fields(3).number("key") == 3.0
    assert fields(3).integer("key", 0, 3) == 3
    assert fields("a").text("key", ("a", "b")) == "a"
    assert fields([1, 2.5]).numbers("key", 2).tolist() == [1.0, 2.5]
    assert fields([1, 2]).integers("key", 2, 1, 2).tolist() == [1, 2]
    assert fields({"a": 1}).mapping("key") == {"a": 1}
    assert fields([1]).items("key", 1, 1) == [1]
    assert fields(None).get("key") is None


def test_wrong_values_are_refused() -> None:
    wrong = [
        lambda: fields(True).number("key"),
        lambda: fields("1").number("key"),
        lambda: fields(2.0).number("key", 3, 4),
        lambda: fields(True).integer("key", 0, 1),
        lambda: fields(1.0).integer("key", 0, 1),
        lambda: fields(2).integer("key", 0, 1),
        lambda: fields(1).text("key"),
        lambda: fields("c").text("key", ("a", "b")),
        lambda: fields([1]).numbers("key", 2),
        lambda: fields(["1", 2]).numbers("key", 2),
        lambda: fields([True]).numbers("key", 1),
        lambda: fields([-11.0]).numbers("key", 1, 10.0),
        lambda: fields(1).numbers("key", 2),
        lambda: fields([1.0]).integers("key", 1, 0, 1),
        lambda: fields([5]).integers("key", 1, 0, 1),
        lambda: fields([]).mapping("key"),
        lambda: fields([1, 2]).items("key", 0, 1),
    ]
    for read in wrong:
        with pytest.raises(ModelError, match=r"some.json has a wrong key: given .+; expected .+"):
            read()


def test_keys_must_be_the_expected_ones() -> None:
    with pytest.raises(ModelError, match="unknown key: given 'b'"):
        Fields({"a": 1, "b": 2}, "some.json", ["a"])
    with pytest.raises(ModelError, match=r"lacks a key.*expected 'a'"):
        Fields({}, "some.json", ["a"])
    with pytest.raises(ModelError, match="is not an object: given list"):
        Fields([], "some.json", ["a"])
