"""One table of what ``trialwise monitor`` found, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SHOWN = 8
"""So many features and volumes are shown, the most moved first; all of them stand in the JSON."""

_HEAD = ("what", "leads", "then", "now", "95 % interval", "")


def table_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines: what was promised and what came, how far the distributions moved, the volumes, and the verdict."""
    rows = [_HEAD, *_promises(result), *_shifts(result["drift"]), *_volumes(result["drift"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    yield from _gaps(result)
    yield result["reason"] or "No reason to retrain."


def _promises(result: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    lines = [result["realised"], *result["grades"]] if result["realised"] else []
    for one in lines:
        name = "promised and realised" if one["name"] == "all" else f"  grade {one['name']}"
        flag = "broken" if one["alarm"] else "" if one["enough"] else "too few"
        yield name, f"{one['leads']:,}", _percent(one["promised"]), _percent(one["realised"]), _span(one, _percent), flag
    if result["calibration"]:
        one = result["calibration"]
        yield "  realised - promised", "", "", _percent(one["value"]), _span(one, _percent), ""


def _shifts(drift: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    shown = [one for place, one in enumerate(drift["shifts"]) if place <= SHOWN or one["alarm"]]
    for one in shown:
        name = "PSI of the scores" if one["name"] == "scores" else f"PSI of {one['name']}"
        yield (
            name,
            f"{drift['leads']:,}",
            "",
            f"{one['psi']:.3f}",
            _span(one, "{:.2f}".format) if one["psi"] >= 0.25 else "",
            _flag(one),
        )
        if one["missing"] > one["missing_before"] + 0.01:
            yield "  missing", "", _percent(one["missing_before"]), _percent(one["missing"]), "", ""


def _volumes(drift: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for place, one in enumerate(drift["volumes"]):
        if place < SHOWN or one["alarm"]:
            then, now = (f"{one[key]:.3f}" for key in ("before", "now"))
            yield f"{one['name']} a day and lead", "", then, now, f"x {_span(one, '{:.2f}'.format)}", _flag(one)


def _gaps(result: Mapping[str, Any]) -> Iterator[str]:
    """Say what could not be told."""
    scores, drift = result["scores"], result["drift"]
    waiting = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in scores["left_out"].items() if count)
    if waiting:
        yield f"{scores['read']:,} scores of {scores['source']}; left out: {waiting}."
    if not result["realised"] or not result["realised"]["enough"]:
        yield "Too few scores are mature to compare what was promised with what came."
    if not drift["shifts"]:
        yield f"Too few leads ({drift['leads']:,}) reached day {drift['age_days']:g} in the last weeks to speak of drift."


def _flag(one: Mapping[str, Any]) -> str:
    return "alarm" if one["alarm"] else ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _span(one: Mapping[str, Any], write: Any) -> str:
    return f"{write(one['low'])} to {write(one['high'])}"
