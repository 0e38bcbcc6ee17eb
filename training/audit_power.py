"""How well the leakage audit sees: ``python -m training.audit_power --seeds 100`` prints recall by kind and false alarms.

Every seed is one small simulated world, once clean and once with one leak of each kind. A leak is found when every name of it is
named, at its level or worse; whatever else is called a leak, in either world, is a false alarm.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from features.reading.table_report import Finding
from training.audit import audit
from training.column_power import wilson
from training.leaks import Planted, clean_world, leaky_world


@dataclass(slots=True)
class Power:
    """What was found over some worlds."""

    worlds: int = 0
    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    false_leaks: list[str] = field(default_factory=list)
    false_asks: list[str] = field(default_factory=list)

    def lines(self) -> Iterable[str]:
        """Yield the table for people."""
        yield f"{'kind of leak':<40} found"
        for kind, n in self.planted.items():
            low, high = wilson(self.found[kind], n)
            yield f"{kind:<40} {self.found[kind]:>4} of {n:<4} {self.found[kind] / n:.3f} [{low:.3f}, {high:.3f}]"
        total, hits = sum(self.planted.values()), sum(self.found.values())
        yield f"{'all':<40} {hits:>4} of {total:<4} {hits / max(total, 1):.3f}"
        for what, names in (("leaks", self.false_leaks), ("questions", self.false_asks)):
            yield f"false {what} in {2 * self.worlds} worlds: {len(names)}{': ' + '; '.join(names[:10]) if names else ''}"
        yield from (f"missed: {one}" for one in self.missed[:10])


def measure(seeds: Iterable[int]) -> Power:
    """Audit a clean and a leaky world of every seed."""
    power = Power()
    for seed in seeds:
        power.worlds += 1
        ws, tables = clean_world(seed)
        _count_false(power, f"seed {seed} clean", audit(ws, tables), ())
        ws, tables, planted = leaky_world(seed)
        findings = audit(ws, tables)
        _count_false(power, f"seed {seed} leaky", findings, planted)
        said = {finding.column: finding.level for finding in findings}
        for one in planted:
            power.planted[one.kind] += 1
            if all(_enough(said.get(name), one.level) for name in one.names):
                power.found[one.kind] += 1
            else:
                power.missed.append(f"seed {seed}: {one.kind} ({', '.join(one.names)})")
    return power


def _enough(said: str | None, level: str) -> bool:
    return said == "leak" or (said == "ask" and level == "ask")


def _count_false(power: Power, where: str, findings: Iterable[Finding], planted: Iterable[Planted]) -> None:
    known = {name for one in planted for name in one.names}
    for finding in findings:
        # A behaviour's features carry the name of the planted event that they count.
        if finding.column in known or any(name in finding.column for name in known):
            continue
        if finding.level == "leak":
            power.false_leaks.append(f"{where}: {finding.column} ({finding.evidence})")
        elif finding.level == "ask":
            power.false_asks.append(f"{where}: {finding.column} ({finding.evidence})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Print how well the leakage audit finds planted leaks.")
    parser.add_argument("--seeds", type=int, default=10, help="how many worlds to draw")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    power = measure(range(options.first, options.first + options.seeds))
    sys.stdout.write("\n".join(power.lines()) + "\n")


if __name__ == "__main__":
    main()
