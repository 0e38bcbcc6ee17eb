"""Between the columns that a workspace names and those of an origin: nested values and column terms become plain columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.reading.cells import plain
from features.reading.column_terms import Choice, choose, columns_of, terms_of
from features.reading.nested import CONTAINERS, opened, roots, walk


@dataclass(frozen=True, slots=True)
class Shape:
    """What a table asks of its origins."""

    names: tuple[str, ...]
    terms: Mapping[str, tuple[Choice, ...]]

    @classmethod
    def of(cls, keys: Mapping[str, str], maybe: Sequence[str] = ()) -> Shape:
        """Return the shape of a table; ``keys`` says which key of the workspace file names each column."""
        return cls(tuple(dict.fromkeys([*keys, *maybe])), terms_of(keys))

    def has(self, name: str, known: Collection[str], *, nested: bool = False) -> bool:
        """Tell whether a column may be found among those of an origin; a nested origin says itself what lies in containers."""
        if name in known or self.inside(name, known, nested=nested):
            return True
        return any(all(_placed(one, known, nested) for one in choice.columns) for choice in self.terms.get(name, ()))

    def inside(self, name: str, known: Collection[str], *, nested: bool = False) -> bool:
        """Tell whether only the rows can say if a column is there, since it would lie inside another."""
        return name not in known and name not in self.terms and _placed(name, known, nested)

    def asked(self, known: Collection[str] | None, *, nested: bool) -> list[str]:
        """Return what to ask of an origin that has these columns, None while only reading can tell."""
        leaves = columns_of(self.names, self.terms)
        if nested:
            return leaves
        if known is None:
            parts = [name.split(".") for name in leaves]
            outer = [".".join(part[:i]) for part in parts for i in range(1, len(part))]
            return list(dict.fromkeys([*leaves, *outer, *CONTAINERS]))
        found = [name if name in known else root for name in leaves for root, _ in [*roots(name, known), (name, "")]]
        return list(dict.fromkeys(found))

    def columns(self, found: Mapping[str, Any], rows: int) -> dict[str, Any]:
        """Return the named columns out of those that an origin gave."""
        if not self.terms and all(name in found for name in self.names):
            return {name: found[name] for name in self.names}
        leaves = dict(_leaves(columns_of(self.names, self.terms), found))
        columns = {}
        for name in self.names:
            choices = self.terms.get(name)
            if choices is None or (name in leaves and leaves[name].null_count < rows):
                if name in leaves:
                    columns[name] = leaves[name]
            elif any(all(one in leaves for one in choice.columns) for choice in choices):
                columns[name] = choose(choices, leaves, rows)
        return columns


def _placed(name: str, known: Collection[str], nested: bool) -> bool:
    return name in known or any(not nested or root not in CONTAINERS or path != name for root, path in roots(name, known))


def _leaves(names: Sequence[str], found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    from features.reading.sources import as_array

    cells: dict[str, list[Any]] = {}
    for name in names:
        if name in found:
            yield name, found[name]
            continue
        places = roots(name, found)
        if not places:
            continue
        for root, _ in places:
            if root not in cells:
                cells[root] = [opened(cell) for cell in plain(found[root]).to_pylist()]
        paths = [path for _, path in places]
        rows = zip(*(cells[root] for root, _ in places), strict=True)
        yield name, as_array([_first(row, paths) for row in rows])


def _first(cells: Sequence[Any], paths: Sequence[str]) -> Any:
    for cell, path in zip(cells, paths, strict=True):
        if cell and (value := walk(cell, path)) is not None:
            return value
    return None
