"""One decorator for the loops that must be fast: compiled by Numba, or left as plain Python.

Set ``NUMBA_DISABLE_JIT=1`` and every decorated function runs uncompiled: the same source is its own slow twin, which the tests
use because compiled code checks no bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

import numba

# Four equal operations in a row become one instruction: twice the speed where a loop cannot be made of them. Numba leaves it off
# because compilers have got it wrong; every kernel here is compared with its uncompiled twin.
numba.config.SLP_VECTORIZE = 1  # type: ignore[attr-defined]  # numba names its settings only as it runs

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a numeric loop, without the GIL and with a disk cache. A division by zero gives infinity, as in NumPy.

    The disk cache does not see module globals that come from configuration, so whatever varies must be an argument.
    """
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def uncompiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return the plain Python twin of a compiled function: the same source, calling the plain twins of what it calls."""
    plain: Any = getattr(function, "py_func", function)
    world = dict(plain.__globals__)
    for name in plain.__code__.co_names:
        if isinstance(getattr(world.get(name), "py_func", None), FunctionType):
            world[name] = uncompiled(world[name])
    return cast("Callable[P, R]", FunctionType(plain.__code__, world, plain.__name__, plain.__defaults__))
