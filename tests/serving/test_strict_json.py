"""Strict JSON: the bad is refused by a rule and never repeated, the good comes back exactly."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.problems import Problem
from serving.strict_json import MAX_DEPTH, MAX_KEYS, TOO_MANY, read

BAD = {
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "minus Infinity": b'{"a": -Infinity}',
    "1e400": b'{"a": 1e400}',
    "minus 1e400": b"[-1e400]",
    "same key twice": b'{"a": 1, "a": 1}',
    "same key twice below": b'{"x": [{"a": 1, "b": 2, "a": 3}]}',
    "same key by escape": b'{"a": 1, "\\u0061": 2}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone low surrogate": b'["x\\udc00y"]',
    "surrogate in a key": b'{"\\ud800": 1}',
    "NUL": b'{"a": "x\\u0000y"}',
    "NUL in a key": b'{"\\u0000": 1}',
    "surrogates that a key and a value share": b'{"\\ud83d": "\\ude80"}',
    "2**63 among others": b'[1, {"a": [2, 9223372036854775808, true]}]',
    "1e400 among others": b'{"a": [1.5, 1e400], "b": 1}',
    "raw NUL": b'{"a": "x\x00y"}',
    "2**63": b"[9223372036854775808]",
    "minus 2**63 - 1": b"[-9223372036854775809]",
    "5000 digits": b"[" + b"9" * 5000 + b"]",
    "BOM": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "overlong": b'{"a": "\xc0\xaf"}',
    "cut off": b'{"a": "x',
    "empty": b"",
    "two values": b"{} {}",
    "comma at the end": b"[1,]",
    "comment": b"{/* */}",
    "depth 33": b"[" * 33 + b"]" * 33,
    "depth 33 of objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "depth 900": b"[" * 900 + b"]" * 900,
    "depth 100000": b"[" * 100_000 + b"]" * 100_000,
}
GOOD = [
    ("largest integer", b"[9223372036854775807, -9223372036854775808]"),
    ("minus nought", b"[-0.0]"),
    ("emoji by escapes", b'["\\ud83d\\ude80"]'),
    ("right to left and zero width", '["\u202e\u200babc"]'.encode()),
    ("depth 32", b"[" * MAX_DEPTH + b"]" * MAX_DEPTH),
    ("backslash u in a text", b'["\\\\ud800"]'),
]


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_strict_is_refused_quickly_and_not_repeated(name: str) -> None:
    begin = time.perf_counter()
    with pytest.raises(Problem) as refusal:
        read(BAD[name])
    assert time.perf_counter() - begin < 0.5
    assert refusal.value.code == "bad_json"
    assert len(refusal.value.response().body) < 2048
    assert "9999" not in refusal.value.detail


@pytest.mark.parametrize(("name", "text"), GOOD)
def test_what_is_strict_comes_back_exactly(name: str, text: bytes) -> None:
    assert read(text) == json.loads(text), name


def test_minus_nought_keeps_its_sign() -> None:
    assert math.copysign(1, read(b"[-0.0]")[0]) == -1


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.booleans())
def test_every_value_survives_the_way(value: object, ascii_only: bool) -> None:
    assert read(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


MANY = ",".join(f'"k{i}":{i}' for i in range(200_000)).encode()


@pytest.mark.parametrize(
    "body",
    [b"{%s}" % MANY, b'{"a":[{"b":"{\\"","c":{}},{%s}]}' % MANY, b"{%s" % MANY, b"{%s}" % MANY.replace(b":", b" \n: ")],
    ids=["flat", "deep", "cut off", "blanks"],
)
def test_two_hundred_thousand_keys_are_refused_at_once(body: bytes) -> None:
    begin = time.perf_counter()
    with pytest.raises(Problem) as refusal:
        read(body)
    # Blanks before every colon hide the keys at first sight: then they are counted when they have been read.
    assert time.perf_counter() - begin < (2.0 if b" \n: " in body else 0.25)
    assert refusal.value.detail == TOO_MANY


def test_an_object_may_have_as_many_keys_as_it_says() -> None:
    body = {f"k{i}": ":" for i in range(MAX_KEYS)}
    assert read(json.dumps(body, separators=(",", ":")).encode()) == body
    with pytest.raises(Problem) as refusal:
        read(json.dumps(body | {"one": "more"}).encode())
    assert refusal.value.detail == TOO_MANY


def test_many_keys_in_many_objects_and_colons_in_texts_are_no_reason_to_refuse() -> None:
    events = [{"event": "x", "properties": {"a": i, "b": 1.5}} for i in range(20_000)]
    texts = [":a", '":', "}", "\\", '{"a":'] * 20_000
    for value in (events, texts, {"a": texts, "b": {"c": texts}}):
        assert read(json.dumps(value, separators=(",", ":")).encode()) == value


def test_quotes_without_an_end_do_not_take_for_ever() -> None:
    body = b"{" + b'"a":1,' * (MAX_KEYS + 1) + b'"' + b'\\"' * 1_000_000
    begin = time.perf_counter()
    with pytest.raises(Problem):
        read(body)
    assert time.perf_counter() - begin < 2


@settings(max_examples=150, deadline=None)
@given(VALUES, st.sampled_from([b'{"a": 1, "a": %s}', b'[{"x": {"a": %s, "a": {}}}]', b'{"a": ":", "b:": 1, "a": %s}']))
def test_a_key_that_is_given_twice_is_seen_whatever_stands_around_it(value: object, body: bytes) -> None:
    with pytest.raises(Problem, match="bad_json") as refusal:
        read(body % json.dumps(value, ensure_ascii=False).encode())
    assert "same key twice" in refusal.value.detail


@pytest.mark.parametrize("plain", GOOD, ids=[name for name, _ in GOOD])
def test_both_readers_read_alike(plain: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    quick = read(plain[1])
    monkeypatch.setattr("serving.strict_json.from_json", lambda *_, **__: json.loads(""))
    assert repr(read(plain[1])) == repr(quick)
