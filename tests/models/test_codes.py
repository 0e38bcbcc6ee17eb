"""Features by name, from tables that other tools make."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.codes import category_codes, values_of_frame
from models.scorer import Scorer


def test_any_order_any_kind_of_number(scorer: Scorer) -> None:
    names = list(scorer.names)
    plain = pd.DataFrame({name: [1.0, 2.0, np.nan] for name in names if name != "country"} | {"country": ["TR", None, "XX"]})
    wanted = values_of_frame(scorer, plain)
    turned = plain[plain.columns[::-1]].astype({name: "Float64" for name in names if name != "country"})
    found = values_of_frame(scorer, turned.assign(extra=1))
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(values_of_frame(scorer, plain.astype(object)), wanted)
    place = names.index("country")
    assert wanted[:2, place].tolist()[0] == 2.0
    assert np.isnan(wanted[1, place])
    assert wanted[2, place] == 0.0


def test_what_is_absent_or_unreadable_is_missing(scorer: Scorer) -> None:
    name = next(one for one in scorer.names if one != "country")
    frame = pd.DataFrame({name: ["3", "", "many", pd.NA, None, True]}, dtype=object)
    x = values_of_frame(scorer, frame)
    column = x[:, scorer.names.index(name)]
    assert column[0] == 3.0
    assert np.isnan(column[1:5]).all()
    others = np.delete(x, scorer.names.index(name), axis=1)
    assert np.isnan(others).all()


def test_integers_are_numbers(scorer: Scorer) -> None:
    name = next(one for one in scorer.names if one != "country")
    assert values_of_frame(scorer, pd.DataFrame({name: [5]}))[0, scorer.names.index(name)] == 5.0


def test_codes_compare_as_text() -> None:
    assert category_codes([9, 9.0, "9", True], ("9", "true")).tolist() == [1, 1, 1, 2]
