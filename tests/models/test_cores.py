from __future__ import annotations

import threading

import numpy as np
import pytest

from models.cores import on_all_cores


@pytest.mark.parametrize(("rows", "worth", "parts"), [(0, 10, 1), (19, 10, 1), (20, 10, 2), (1_000, 10, 4)])
def test_every_row_is_done_once(monkeypatch: pytest.MonkeyPatch, rows: int, worth: int, parts: int) -> None:
    monkeypatch.setattr("models.cores.CORES", 4)
    done, calls = np.zeros(rows), []

    def work(some: slice) -> None:
        done[some] += 1
        calls.append(threading.get_ident())

    on_all_cores(work, rows, worth)
    assert done.tolist() == [1.0] * rows
    assert len(calls) == parts


def test_an_error_of_one_thread_is_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.cores.CORES", 2)

    def work(some: slice) -> None:
        if some.start:
            raise ValueError("the second half")

    with pytest.raises(ValueError, match="second half"):
        on_all_cores(work, 100, 1)
