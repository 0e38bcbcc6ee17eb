"""Markup: the few pieces of HTML that the sections are made of. Every text is escaped here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from training.evaluation import Figure


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def html(value: object) -> Html:
    """Return a value as HTML: what is HTML already stays, the rest is escaped."""
    return value if isinstance(value, Html) else Html(escape(str(value), quote=True))


def tag(name: str, *inside: object, **attributes: object) -> Html:
    """Return one element; `class_` and `aria_label` stand for `class` and `aria-label`.

    >>> tag("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    told = "".join(f' {key}="{escape(str(value), quote=True)}"' for key, value in named.items())
    return Html(f"<{name}{told}>{joined(inside)}</{name}>")


def joined(parts: Iterable[object]) -> Html:
    """Return pieces one after the other."""
    return Html("".join(html(part) for part in parts))


def section(key: str, title: str, *inside: object) -> Html:
    """Return one section of the page, with its heading."""
    return tag("section", tag("h2", title, id=f"{key}-title"), *inside, id=key, aria_labelledby=f"{key}-title")


def note(*inside: object) -> Html:
    """Return a paragraph that explains."""
    return tag("p", *inside, class_="note")


def table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[object]], *, left: Sequence[int] = (), class_: str = ""
) -> Html:
    """Return a table that can be scrolled where it is too wide.

    The first column and those in `left` are words or pictures, the others numbers. A row of one cell is a heading of its own.
    """
    words = {0, *left}
    head = tag("tr", *(tag("th", one, scope="col", class_=None if i in words else "n") for i, one in enumerate(heads)))
    body = [
        tag("tr", *(_cell(i, cell, words) for i, cell in enumerate(row)))
        if len(row) > 1
        else tag("tr", tag("th", row[0], scope="rowgroup", colspan=len(heads), class_="group"))
        for row in rows
    ]
    inside = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body), class_=class_ or None)
    return tag("div", inside, class_="scroll", role="region", aria_label=caption, tabindex="0")


def _cell(place: int, cell: object, words: set[int]) -> Html:
    if place == 0:
        return tag("th", cell, scope="row")
    return tag("td", cell, class_=None if place in words else "n")


def pair(drawn: object, told: object) -> Html:
    """Return a small picture with its figure beside it, or below it where there is no room."""
    return tag("div", drawn, tag("span", told, class_="told"), class_="pair")


def number(value: float | None, digits: int = 3) -> str:
    """Write a number, or a dash where there is none."""
    return "–" if value is None or value != value else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share in per cent."""
    return "–" if value is None or value != value else f"{100 * value:.{digits}f} %"


def interval(figure: Figure | None, digits: int = 3, *, times: float = 1.0) -> Html:
    """Write a figure, its interval smaller beside it."""
    if figure is None or figure.value != figure.value:
        return html("–")
    low, high = number(times * figure.low, digits), number(times * figure.high, digits)
    return joined([number(times * figure.value, digits), " ", tag("span", f"[{low}, {high}]", class_="ci")])
