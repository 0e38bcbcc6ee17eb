"""Usage as plain counts, so that it can be added up with whatever else the workers tell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

from features.vocabulary import Usage


def flat(usage: Usage) -> Counter[str]:
    """Return a usage as counts by name.

    >>> usage_of(flat(Usage(leads=Counter(any=2))))
    Usage(users={}, leads=Counter({'any': 2}), values={})
    """
    counts = Counter({_name("leads", key, ""): count for key, count in usage.leads.items()})
    for kind, groups in (("users", usage.users), ("values", usage.values)):
        for key, found in groups.items():
            counts[_name(kind, key, None)] = 0  # a group is there even where it is empty
            counts.update({_name(kind, key, one): count for one, count in found.items()})
    return counts


def usage_of(counts: Mapping[str, int]) -> Usage:
    """Return the usage that stands among some counts."""
    usage = Usage()
    groups = {"users": usage.users, "values": usage.values}
    for name, count in counts.items():
        if not name.startswith("["):
            continue
        kind, key, one = json.loads(name)
        if kind == "leads":
            usage.leads[key] += count
            continue
        group = groups[kind].setdefault(key, Counter())
        if one is not None:
            group[one] += count
    return usage


def _name(kind: str, key: str, one: str | None) -> str:
    return json.dumps([kind, key, one])
