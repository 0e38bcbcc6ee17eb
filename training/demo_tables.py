"""What the demo shows of one live trial and of all: scores day by day, why they changed, what to do next, whom to contact."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from training.demo_live import LiveServer, day_by_day
from training.simulator import World

WORDS = {"any": "activity as a whole"}
CHANGES = 5
PARTS = {"behaviour": "what it did", "time": "passing time", "model": "another model"}


def trial_table(world: World, lead_id: str, server: LiveServer) -> Table:
    """Replay one trial and show how its probability moves, and which reason moved it most since the day before."""
    table = Table(title=f"{lead_id} (simulated)", title_justify="left")
    for column in (
        "day",
        "events",
        "probability",
        "truth",
        "grade",
        "stage",
        "strongest reason",
        "moved most since the day before",
    ):
        table.add_column(column, justify="right" if column in {"day", "events", "probability", "truth"} else "left")
    before: dict[str, float] = {}
    for day in day_by_day(world, lead_id, server):
        score, reasons = day.score, {reason["player"]: reason for reason in day.score["reasons"]}
        truth = float(world.truth([lead_id], day.as_of)[0])
        strongest = next(iter(reasons.values()))
        moves = {player: reason["points"] - before.get(player, 0.0) for player, reason in reasons.items()}
        most = max(moves, key=lambda player: abs(moves[player]))
        moved = f"{_named(most)} {moves[most]:+.3f}" if before else ""
        numbers = (str(day.day), str(day.events), f"{score['probability']:.3f}", f"{truth:.3f}")
        table.add_row(*numbers, score["grade"], score["stage"], f"{strongest['text']} ({strongest['points']:+.3f})", moved)
        before = {player: reason["points"] for player, reason in reasons.items()}
    return table


def work_list(server: LiveServer) -> Table:
    """Show the open leads that are most likely to pay."""
    table = Table(title="The ten most likely (simulated)", title_justify="left", expand=False)
    for column in ("lead", "probability", "grade", "stage", "why"):
        table.add_column(column)
    for item in server.get("/v1/leads?limit=10&reasons=1")["items"]:
        why = item["reasons"][0]["text"] if item["reasons"] else ""
        table.add_row(item["lead_id"], f"{item['probability']:.3f}", item["grade"], item["stage"], why)
    return table


def change_table(server: LiveServer, lead_id: str) -> Table:
    """Show why the probability of today is another one than that of the start, part by part and by the largest reasons."""
    found = server.get(f"/v1/leads/{lead_id}/changes?reasons={CHANGES}")
    table = Table(title=f"Why it changed over the trial: {found['text']}", title_justify="left")
    for column in ("because of", "points", ""):
        table.add_column(column, justify="right" if column == "points" else "left")
    for name, part in (found["parts"] or {}).items():
        table.add_row(PARTS[name], _signed(part["points"]), part["text"])
    table.add_section()
    for reason in found["reasons"]:
        table.add_row(_named(reason["player"]), _signed(reason["points"]), reason["text"])
    return table


def actions_table(server: LiveServer, lead_id: str) -> Table:
    """Show what people can do next for a lead, with the difference that the model associates with it."""
    found = server.get(f"/v1/leads/{lead_id}/actions")
    table = Table(
        title=f"What to do next for {lead_id}", title_justify="left", caption=found["association"], caption_justify="left"
    )
    for column in ("step", "difference", "what is missing"):
        table.add_column(column, justify="right" if column == "difference" else "left")
    for item in found["items"]:
        table.add_row(item["text"], _signed(item["difference"]), "; ".join(one["text"] for one in item["missing"]))
    return table


def _signed(points: Any) -> str:
    return f"{points:+.3f}"


def _named(player: str) -> str:
    return WORDS.get(player, player.replace("_", " "))
