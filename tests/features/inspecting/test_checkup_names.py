"""A name of the workspace file that nothing in the data has is said, with the nearest that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from features.inspecting.checkup_names import idle_conditions, idle_exclusions, idle_patterns, idle_traits
from features.reading.table_report import Finding
from features.tables import Tables, read_tables
from features.workspaces.schema import Workspace
from tests.features.disk import PLAIN, workspace

EVENTS = "lead_id,event,timestamp,plan,seats\n" + "".join(
    f"a,Upgraded,2026-05-01T10:0{place}:00Z,{plan},{seats}\n"
    for place, (plan, seats) in enumerate([("pro", 3), ("pro", 5), ("team", 9), ("free", ""), ("", 1)])
)
MAPPED = PLAIN.replace("events: [login]", "events: [%s]")
Look = Callable[[Workspace, Tables], Iterator[Finding]]


def told(look: Look, folder: Path, body: str, **files: Any) -> list[tuple[str, str, str]]:
    ws = workspace(folder, body, **files)
    return [(one.level, one.column, one.evidence) for one in look(ws, read_tables(ws))]


@pytest.mark.parametrize(
    ("pattern", "evidence"),
    [
        ("upgraded", None),
        ("upgrade*", None),
        ("upgradd", "no event fits 'upgradd'; did you mean 'upgraded'?"),
        ("zzz", "no event fits 'zzz'"),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, evidence: str | None) -> None:
    wanted = [] if evidence is None else [("warn", "behaviours.session", evidence)]
    assert told(idle_patterns, tmp_path, MAPPED % pattern, events__csv=EVENTS) == wanted


@pytest.mark.parametrize(
    ("where", "evidence"),
    [
        ("{plan: pro}", []),
        ("{plan: [pro, team]}", []),
        ("{seats: {ge: 9}}", []),
        ("{plan: {glob: 'fr*'}}", []),
        ("{plan: [pro, prro]}", ["plan = prro; seen: pro, team, free"]),
        ("{plan: {eq: Pro}}", ["plan = Pro; seen: pro, team, free"]),
        ("{seats: {gt: 9}}", ["seats > 9; seen: 3, 5, 9, 1"]),
        ("{plan: {glob: 'x*'}, seats: 4}", ["plan like x*; seen: pro, team, free", "seats = 4; seen: 3, 5, 9, 1"]),
    ],
)
def test_conditions(tmp_path: Path, where: str, evidence: list[str]) -> None:
    body = MAPPED % f"{{event: upgraded, where: {where}}}"
    found = told(idle_conditions, tmp_path, body, events__csv=EVENTS)
    assert found == [("warn", "behaviours.session", f"no event of 'upgraded' has {one}") for one in evidence]


def test_conditions_of_features_and_of_what_has_no_value(tmp_path: Path) -> None:
    body = (MAPPED % "x, upgraded") + "    features: {f: {count: [{event: 'up*', where: {plan: a}}], behaviour: session}}\n"
    empty = "lead_id,event,timestamp,plan\na,upgraded,2026-05-01,\nb,other,2026-05-01,a\n"
    evidence = "no event of 'up*' has plan = a; none of them has any value"
    assert told(idle_conditions, tmp_path, body, events__csv=empty) == [("warn", "features.f", evidence)]
    gone = empty.replace("upgraded", "gone")
    assert told(idle_conditions, tmp_path, body, events__csv=gone) == []  # that no event fits is said already
    many = "lead_id,event,timestamp,plan\n" + "".join(f"a,upgraded,2026-05-01,{place}\n" for place in range(9))
    assert told(idle_conditions, tmp_path, body, events__csv=many)[0][2].endswith("; seen: 0, 1, 2, 3, 4, ...")


def test_traits(tmp_path: Path) -> None:
    body = PLAIN.replace("behaviours: {", "behaviours: {profile: {traits: [name, fotos, signed_up_at]}, ")
    leads = "lead_id,signed_up_at,photos,name\na,2026-05-01T00:00:00Z,,Ada\nb,2026-05-02T00:00:00Z,,\n"
    evidence = "no lead has a value of the trait 'fotos'; did you mean 'photos'?"
    assert told(idle_traits, tmp_path, body, leads__csv=leads) == [("warn", "behaviours.profile", evidence)]
    there = told(idle_traits, tmp_path, body.replace("fotos", "photos"), leads__csv=leads)
    assert there == [("warn", "behaviours.profile", "no lead has a value of the trait 'photos'")]
    alone = body.replace("leads: {source: leads.csv, started_at: signed_up_at}\n", "\n")
    assert told(idle_traits, tmp_path, alone) == []  # without a table of leads only the server hears of traits


def test_exclusions(tmp_path: Path) -> None:
    body = PLAIN.replace("behaviours: {", "behaviours: {profile: {traits: [photo]}, ").replace("[login]", "[login, export]")
    more = "    attributes: {size: number}\n    features: {mine: {trend: session, window: 2d}}\n    exclude: [%s]\n"
    leads = "lead_id,signed_up_at,size,note\na,2026-05-01T00:00:00Z,1,x\nb,2026-05-02T00:00:00Z,2,y\n"
    good = "size, mine, photo, note, Export, any_count_7d, session_count_all, trial_left_d"
    assert told(idle_exclusions, tmp_path, body + more % good, leads__csv=leads) == []
    wrong = told(idle_exclusions, tmp_path, body + more % "any_count_7, zzz", leads__csv=leads)
    assert wrong == [
        ("warn", "exclude", "no column, feature or event is called 'any_count_7'; did you mean 'any_count_7d'?"),
        ("warn", "exclude", "no column, feature or event is called 'zzz'"),
    ]
    assert told(idle_exclusions, tmp_path, body) == []


def test_without_events_no_pattern_is_looked_at(tmp_path: Path) -> None:
    body = "data: {leads: {source: leads.csv, started_at: signed_up_at}}\nbehaviours: {session: {events: [login]}}\n"
    assert told(idle_patterns, tmp_path, body) == told(idle_conditions, tmp_path, body) == []
