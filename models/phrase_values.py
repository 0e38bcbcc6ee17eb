"""Values as people say them: numbers, percentages, durations in natural units, money, numbers of times.

The separators and the two plural forms of English, Turkish and German are those of CLDR; a test compares them with Babel, which
is not used here because it unpickles its data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from models.phrase_book import Book

PERCENT = frozenset({"night_share", "weekend_share", "business_share", "profile_filled"})
_HOUR, _DAY = 3600.0, 86_400.0
_IN_SECONDS = {"recency_h": _HOUR, "time_to_first_h": _HOUR, "trial_age_d": _DAY, "trial_left_d": _DAY}
_SPENT_IN_SECONDS = {"duration_sum_s": 1.0, "duration_mean_s": 1.0, "any_active_minutes": 60.0}
_AGO = frozenset({"recency_h", "trial_age_d"})
_STEADY = 0.05
_YEARS = ("year", "yil", "yıl", "jahr")


class Values:
    """The values of one language."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._marks = str.maketrans({",": book.numbers.group, ".": book.numbers.decimal})

    def say(self, family: str, value: float, *, by_day: bool = False) -> str:
        """Return the value of a family's feature."""
        if family in PERCENT:
            return self.percent(value)
        if by_day and family in ("recency_h", "time_to_first_h"):
            return self._unit("ago" if family in _AGO else "plain", "day", whole_days(family, value))
        if family in _IN_SECONDS:
            return self.span(value * _IN_SECONDS[family], ago=family in _AGO)
        if family in _SPENT_IN_SECONDS:
            return self.spent(value * _SPENT_IN_SECONDS[family])
        if family in ("amount_sum", "amount_mean"):
            return self.number(value, places=2)
        if family == "trend":
            return self._book.units.trend[towards(value)]  # type: ignore[index]
        if family == "ratio_to":
            return self.number(ratio(value)[1])
        return self.number(value)

    @staticmethod
    def at_once(family: str, value: float) -> bool:
        """Tell whether a time ago is no time at all."""
        return family in _AGO and value * _IN_SECONDS[family] < 1

    def number(self, value: float, *, places: int | None = None) -> str:
        """Return whole numbers and large ones with thousands apart, others with three digits or so many decimal places."""
        if float(value).is_integer() or abs(value) >= (100_000 if places else 1000):
            text = f"{value:,.0f}"
        else:
            text = f"{value:,.{places}f}" if places else format(Decimal(f"{value:.3g}"), "f")
        return text.translate(self._marks)

    def attribute(self, name: str, value: float) -> str:
        """Return the value of an attribute: a year is no number of years."""
        if float(value).is_integer() and 1000 <= value < 3000 and name.lower().endswith(_YEARS):
            return f"{value:.0f}"
        return self.number(value)

    def percent(self, share: float) -> str:
        """Return a share: what is not nothing never reads 0 %, and what is not all never reads 100 %."""
        numbers, almost = self._book.numbers, self.almost(share)
        if almost is not None:
            return numbers.under if almost == "few" else numbers.over
        return numbers.percent.format(n=self.number(_rounded(share * 100)))

    @staticmethod
    def almost(share: float) -> str | None:
        """Tell a share that is nearly none or nearly all: `few` or `most`, and None for any other.

        >>> Values.almost(0.001), Values.almost(0.999), Values.almost(0.0), Values.almost(0.5)
        ('few', 'most', None, None)
        """
        whole = _rounded(share * 100)
        return "few" if share > 0 and whole == 0 else "most" if share < 1 and whole == 100 else None

    def times(self, value: float) -> str:
        """Return a number of times."""
        return self._plural(self._book.units.times, value)

    def span(self, seconds: float, *, ago: bool = False) -> str:
        """Return how long, or how long ago, in the unit that people would use."""
        minutes, hours = _rounded(seconds / 60), _rounded(seconds / _HOUR)
        table = "ago" if ago else "plain"
        if minutes < 120 and minutes != 60:
            return self._short(table, seconds)
        if hours < 48 and hours != 24:
            return self._unit(table, "hour", hours)
        return self._unit(table, "day", _rounded(seconds / _DAY))

    def spent(self, seconds: float) -> str:
        """Return a sum of time: hours remain hours, since nobody was active for whole days."""
        minutes = _rounded(seconds / 60)
        if minutes < 120 and minutes != 60:
            return self._short("plain", seconds)
        return self._unit("plain", "hour", _rounded(seconds / _HOUR))

    def _short(self, table: str, seconds: float) -> str:
        if seconds < 1:
            units = self._book.units.ago if table == "ago" else self._book.units.plain
            return str(units["none"])
        if _rounded(seconds) < 60:
            return self._unit(table, "second", _rounded(seconds))
        return self._unit(table, "minute", _rounded(seconds / 60))

    def _unit(self, table: str, unit: str, value: float) -> str:
        units = self._book.units.ago if table == "ago" else self._book.units.plain
        return self._plural(units[unit], value)  # type: ignore[index, arg-type]

    def _plural(self, forms: Mapping[str, str], value: float) -> str:
        return (forms.get(f"={value:g}") or forms[plural(forms, value)]).format(n=self.number(value))

    def window(self, spans: Mapping[str, str | dict[str, str]], window: str | None, *, times: int = 1) -> str:
        """Return a window in words, or one so many times as long; what has no such words has no such span."""
        if window is None or window == "all":
            return str(spans.get("all", ""))
        forms = spans[window[-1]]
        return str(forms) if isinstance(forms, str) else self._plural(forms, times * int(window[:-1]))


def plural(forms: Mapping[str, str], value: float) -> str:
    """Return the plural category of a number where 1 alone is singular, as in English, Turkish and German.

    >>> plural({"one": "", "other": ""}, 1), plural({"one": "", "other": ""}, 1.5), plural({"other": ""}, 1)
    ('one', 'other', 'other')
    """
    return "one" if value == 1 and "one" in forms else "other"


def towards(trend: float) -> str:
    """Return where a trend goes: less often than before, as often, or more often."""
    return "same" if abs(trend - 0.5) <= _STEADY else "more" if trend > 0.5 else "less"


def ratio(value: float) -> tuple[str, float]:
    """Return how a ratio is told: so many times for one, once for one, or once for so many.

    >>> ratio(3.24), ratio(1.02), ratio(0.04), ratio(0.0)
    (('other', 3.2), ('one', 1.0), ('less', 25.0), ('zero', 0.0))
    """
    if value <= 0:
        return "zero", 0.0
    many = value if value >= 1 else 1 / value
    many = float(_rounded(many)) if many >= 10 else round(many, 1)
    return ("one" if many == 1 else "other" if value > 1 else "less"), many


def whole_days(family: str, hours: float) -> int:
    """Return days where events are known by their day, of which only the end has an instant.

    What ended within the last 24 hours was a day ago, and what ended 24 hours after the start happened on the first day.
    """
    return math.floor(hours / 24) + 1 if family == "recency_h" else max(0, math.ceil(hours / 24) - 1)


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)
