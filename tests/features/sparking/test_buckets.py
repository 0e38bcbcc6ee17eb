"""Who belongs together shares a bucket, and a bucket depends on nothing but the id and its group."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from features.errors import OutsideError
from features.sparking import buckets
from features.sparking.buckets import deal_out

IDS = [f"lead-{number}" for number in range(500)]


def test_groups_hang_together_in_any_order_of_the_pairs() -> None:
    rng = random.Random(1)
    chains = [IDS[start : start + 10] for start in range(0, 300, 10)]
    pairs = [(left, right) for chain in chains for left, right in pairwise(chain)]
    dealt = deal_out(7, pairs)
    for chain in chains:
        assert len(set(dealt.of(chain).tolist())) == 1
    shuffled = [(right, left) if rng.random() < 0.5 else (left, right) for left, right in rng.sample(pairs, len(pairs))]
    assert np.array_equal(deal_out(7, shuffled).of(IDS), dealt.of(IDS))
    assert np.array_equal(dealt.of(IDS)[300:], deal_out(7, []).of(IDS)[300:])
    assert dealt.of([]).tolist() == []


def test_everybody_is_spread_over_the_buckets() -> None:
    counts = np.bincount(deal_out(7, []).of([f"{number}" for number in range(7_000)]), minlength=7)
    assert counts.min() > 700


def test_ids_with_one_digest_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "digests", lambda ids: np.ones((len(ids), 2), np.int64))
    with pytest.raises(OutsideError, match="one digest"):
        deal_out(3, [("a", "b")])
