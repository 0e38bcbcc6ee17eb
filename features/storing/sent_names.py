"""Names of traits and properties: a tool's `companySize` is its warehouse's `company_size`, and both give the same features.

What lies inside an object is found as well: by its path, `address.city`, as in files, and by the name that warehouses make of it,
`address_city`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from features.names import fold
from features.reading.nested import walk

folded = lru_cache(maxsize=20_000)(fold)


class Names:
    """The names that somebody asks for. What is sent under one of them in another spelling is found as well."""

    def __init__(self, asked: Iterable[str]) -> None:
        self._asked = frozenset(asked)
        self.known = sorted(self._asked)
        self._folded = {folded(name): name for name in self.known}
        self._outer = {beginning for name in self._folded for beginning in _beginnings(name)}
        """What a value may be called in which one that is asked for lies: nothing else is looked into."""
        self._paths: dict[str, list[tuple[str, str]]] = {}
        for name in self.known:
            for place in (i for i, letter in enumerate(name) if letter == "."):
                self._paths.setdefault(folded(name[:place]), []).append((name, name[place + 1 :]))

    def find(self, sent: str) -> str | None:
        """Return the name that is meant; the one that is spelt so, if there is.

        >>> names = Names(["company_size", "plan"])
        >>> names.find("plan"), names.find("companySize"), names.find("Company Size"), names.find("planned")
        ('plan', 'company_size', 'company_size', None)
        """
        return sent if sent in self._asked else self._folded.get(folded(sent))

    def of(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was sent under the names that are asked for: the very spelling first, what is inside of something last.

        >>> Names(["a_b"]).of({"a_b": 1, "aB": 2, "c": 3})
        {'a_b': 1}
        """
        found: dict[str, Any] = {}
        for key, value in sent.items():
            name = self.find(key)
            if name is not None and (key == name or name not in found):
                found[name] = value
        for key, value in sent.items():
            for name, inner in self.inside(key, value):
                found.setdefault(name, inner)
        return found

    def inside(self, key: str, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield what lies inside a value that was sent, under the names that are asked for, each once.

        >>> list(Names(["address.city", "zone"]).inside("address", {"city": "Bonn", "zone": 1}))
        [('address.city', 'Bonn')]
        >>> list(Names(["address_post_code"]).inside("address", {"postCode": "53111"}))
        [('address_post_code', '53111')]
        """
        begin = folded(key) if self._outer and isinstance(value, dict | list | str) else ""
        if begin not in self._outer:
            return
        found = {name: inner for name, path in self._paths.get(begin, ()) if (inner := walk(value, path)) is not None}
        if isinstance(value, dict):
            for name, inner in self._under(begin, value):
                found.setdefault(name, inner)
        yield from found.items()

    def _under(self, begin: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield what lies below a beginning by the names of warehouses."""
        for key, inner in value.items():
            path = folded(f"{begin}.{key}")
            name = self._folded.get(path)
            if name is not None and inner is not None:
                yield name, inner
            if path in self._outer and isinstance(inner, dict):
                yield from self._under(path, inner)


def _beginnings(name: str) -> Iterator[str]:
    """Yield what may stand before each part of a folded name.

    >>> list(_beginnings("address_post_code"))
    ['address', 'address_post']
    """
    return (name[:place] for place, letter in enumerate(name) if letter == "_" and place)
