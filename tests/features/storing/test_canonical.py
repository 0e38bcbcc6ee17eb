"""The store's form of JSON never changes: what was digested years ago is compared with what is digested today."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.storing import canonical
from features.storing.canonical import size_of, to_json
from features.storing.rows import digest_around, digest_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_it_is_what_the_standard_library_writes(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    assert to_json(value) == text
    assert size_of(value) == len(text.encode("utf-8", "surrogatepass"))


@given(st.lists(VALUES, min_size=1, max_size=3), VALUES, st.lists(VALUES, min_size=1, max_size=3))
def test_a_part_that_is_written_already_digests_alike(before: list[Any], middle: Any, after: list[Any]) -> None:
    assert digest_around(before, to_json(middle), after) == digest_of(*before, middle, *after)


def test_digests_stay_as_they_were() -> None:
    assert digest_of("track", "a", None, "Login", {"b": 1.5, "a": "é"}, None, None, 1, [None, None]) == PINNED


PINNED = "9234e7d9cb89514444e2648e861e7cf0"


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": [-math.inf]}, {1, 2}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        to_json(value)


def test_without_the_compiled_encoder_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    assert "".join(canonical._writer(sort=True)({"b": [1, 2.5], "a": "é"}, 0)) == '{"a":"é","b":[1,2.5]}'
