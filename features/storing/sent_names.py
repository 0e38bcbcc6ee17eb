"""Names of traits and properties: a tool's `companySize` is its warehouse's `company_size`, and both give the same features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from features.names import fold

folded = lru_cache(maxsize=20_000)(fold)


class Names:
    """The names that somebody asks for. What is sent under one of them in another spelling is found as well."""

    def __init__(self, asked: Iterable[str]) -> None:
        self._asked = frozenset(asked)
        self.known = sorted(self._asked)
        self._folded = {folded(name): name for name in self.known}

    def find(self, sent: str) -> str | None:
        """Return the name that is meant; the one that is spelt so, if there is.

        >>> names = Names(["company_size", "plan"])
        >>> names.find("plan"), names.find("companySize"), names.find("Company Size"), names.find("planned")
        ('plan', 'company_size', 'company_size', None)
        """
        return sent if sent in self._asked else self._folded.get(folded(sent))

    def of(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was sent under the names that are asked for; the very spelling goes before another.

        >>> Names(["a_b"]).of({"a_b": 1, "aB": 2, "c": 3})
        {'a_b': 1}
        """
        found: dict[str, Any] = {}
        for key, value in sent.items():
            name = self.find(key)
            if name is not None and (key == name or name not in found):
                found[name] = value
        return found
