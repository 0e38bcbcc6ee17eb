from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.reading.event_ids import digests, later_copies


@given(st.lists(st.text(max_size=12) | st.none(), max_size=40))
@settings(deadline=None)
def test_digests_tell_ids_apart_and_nothing_else(ids: list[str | None]) -> None:
    ids = [one and one.encode("utf-8", "replace").decode() for one in ids]
    found = digests(pa.array(ids, pa.string()))
    pairs = [tuple(row) for row in found.tolist()]
    known = {one for one in ids if one}
    assert len({pair for pair, one in zip(pairs, ids, strict=True) if one}) == len(known)
    assert all((pair == (0, 0)) == (not one) for pair, one in zip(pairs, ids, strict=True))
    again = digests(pa.chunked_array([pa.array(["x", *ids], pa.string()).slice(1)]))
    assert again.tolist() == found.tolist()


def test_the_digest_of_an_id_does_not_depend_on_its_type() -> None:
    text = digests(pa.array(["12", None]))
    assert digests(pa.array([12, None])).tolist() == text.tolist()
    assert digests(pa.array(["12", None]).dictionary_encode()).tolist() == text.tolist()


def test_the_first_by_content_stays() -> None:
    ids = digests(pa.array(["a", "b", "a", "", "", "a", "c"]))
    known = np.array([3, 0, 1, 0, 0, 1, 0])
    name = np.array([0, 0, 2, 0, 0, 1, 0])
    assert later_copies(ids, [known, name]).tolist() == [0, 2]
    assert later_copies(ids[:2], [known[:2]]).tolist() == []
    assert later_copies(ids[3:5], [known[3:5]]).tolist() == []
    assert later_copies(ids[:0], [known[:0]]).tolist() == []


def test_half_a_digest_in_common_is_no_copy() -> None:
    ids = np.array([[7, 1], [7, 2], [7, 1]], np.int64)
    assert later_copies(ids, [np.array([0, 0, 1])]).tolist() == [2]
