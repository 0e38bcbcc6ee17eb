"""What a line of ``scorecard: points:`` asks of a lead: ``core_use``, ``any_active_days_7d >= 3`` or ``country = NO``."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from features.workspaces.section import refused

IDEAL_CUSTOMER = "ideal_customer"
"""The line whose points are spread evenly over the conditions of the section of that name."""

_LINE = re.compile(r"(?P<name>.*?[^\s<>=])\s*(?:(?P<operator>>=|<=|>|<|=)\s*(?P<value>\S.*))?")


class Asked(NamedTuple):
    """A column or a behaviour, and what is asked of it; without an operator it is asked to be above 0."""

    name: str
    operator: str
    value: str

    @property
    def text(self) -> str:
        """The one way to write it."""
        return self.name if not self.operator else f"{self.name} {self.operator} {self.value}"


def read_line(line: str) -> Asked:
    """Take a line apart.

    >>> read_line("any_active_days_7d>=3.0").text, read_line("country = NO").text, read_line("core_use").text
    ('any_active_days_7d >= 3', 'country = NO', 'core_use')
    """
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise refused("a feature, or a condition on one", "write for example any_active_days_7d >= 3", given=f"'{line}'")
    operator, value = found["operator"] or "", found["value"] or ""
    if operator not in ("", "="):
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise refused("a number after the sign", "write for example any_active_days_7d >= 3", given=f"'{line}'")
        value = f"{number:.15g}"
    return Asked(found["name"], operator, value)
