"""What workers tell is added up, and a mistake comes out as the error that it was."""

from __future__ import annotations

from collections import Counter

import pytest

from features.errors import InputError, OutsideError
from features.sparking.told import Told, sum_of
from features.sparking.usage import flat, usage_of
from features.vocabulary import Usage


def test_accounts_are_added_up() -> None:
    one = Told(Counter(read=2), Counter(bad_count=1), {"plan"}, 5)
    two = Told(Counter(read=3, outside=1), Counter(bad_count=2), {"score"}, 4)
    assert sum_of([one.packed(), two.packed()]) == Told(
        Counter(read=5, outside=1), Counter(bad_count=3), {"plan", "score"}, 5
    )  # fmt: skip
    assert sum_of([]) == Told()


@pytest.mark.parametrize("kind", [InputError, OutsideError])
def test_a_mistake_comes_out_as_it_was(kind: type[InputError]) -> None:
    error = kind("no", given="'ß'", expected="b", do="c")
    with pytest.raises(kind) as caught:
        sum_of([Told().packed(), Told(error=error).packed()])
    assert str(caught.value) == str(error)
    assert caught.value.exit_code == error.exit_code


def test_usages_of_leads_apart_add_up_to_that_of_all() -> None:
    one = Usage({"any": Counter(login=20, shared=1)}, Counter(any=20), {"country": Counter()})
    two = Usage({"any": Counter(login=3, shared=19)}, Counter(any=30), {"country": Counter({"de": 20, "[": 1})})
    both = Counter(read=7)
    both.update(flat(one))
    both.update(flat(two))
    added = Usage()
    added.add(one)
    added.add(two)
    assert usage_of(both) == added
    assert added.words() == ({"any": ("login", "shared")}, {"country": ("de",)})
    assert usage_of(flat(one)) == one
