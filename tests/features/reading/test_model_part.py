from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.catalog import feature_set
from features.clock import DAY_US
from features.errors import InputError
from features.matrix import compute
from features.reading.model_part import as_trained
from features.tables import read_tables
from tests.features.disk import workspace

BODY = """
    timezone: Europe/Berlin
    data:
      leads: {source: leads.csv, started_at: at}
      events: {source: events.csv}
    resolution: {events: day, conversions: day}
    behaviours:
      session: {events: [{event: login, where: {plan: pro}}], duration: secs}
      profile: {events: [saved], traits: [title]}
    attributes: {country: category, size: number}
"""
EDITED = """
    data:
      leads: {source: leads.csv, started_at: at}
      events: {source: events.csv, properties: [other]}
    trial: {days: none}
    behaviours: {session: {events: [logout]}}
    attributes: {size: category}
"""
LEADS = "lead_id,at,country,size,title\na,2026-05-01,DE,7,x\nb,2026-05-01,,many,\n"
EVENTS = "lead_id,event,timestamp,plan,secs,other\na,login,2026-05-02,pro,9,1\nb,login,2026-05-02,free,9,1\n"


def test_a_model_reads_as_it_was_trained_whatever_the_file_says_by_now(tmp_path: Path) -> None:
    ws = workspace(tmp_path, BODY, leads__csv=LEADS, events__csv=EVENTS)
    definition = ws.definition(categories={"country": ("DE",)})
    features = feature_set(definition)
    edited = workspace(tmp_path, EDITED, leads__csv=LEADS, events__csv=EVENTS)
    matrices = []
    for tables in (read_tables(ws), read_tables(edited, definition)):
        as_of = tables.leads.started_at + 3 * DAY_US
        matrices.append(compute(features, tables, np.arange(2), as_of))
    np.testing.assert_array_equal(matrices[0].values, matrices[1].values)
    assert matrices[1].column("session_count_all").tolist() == [1, 0]
    assert as_trained(edited, definition).definition().trial_days == 14.0
    assert as_trained(edited, None) is edited
    assert list(read_tables(edited).leads.attributes) == ["size"]


def test_what_only_the_model_names_may_be_gone(tmp_path: Path) -> None:
    definition = workspace(tmp_path, BODY).definition()
    gone = {
        "leads__csv": "lead_id,at,size\na,2026-05-01,7\n",
        "events__csv": "lead_id,event,timestamp,other\na,login,2026-05-02,1\n",
    }
    tables = read_tables(workspace(tmp_path, EDITED, **gone), definition)
    assert tables.leads.attributes["country"].tolist() == [None]
    assert tables.leads.attributes["size"].tolist() == [7.0]
    assert compute(feature_set(definition), tables, np.zeros(1), tables.leads.started_at + DAY_US).row(0)["country"] is None
    assert tables.findings == []
    # What the file itself names has to be there.
    with pytest.raises(InputError, match="no column 'country'"):
        read_tables(workspace(tmp_path, BODY, **gone), definition)


def test_a_model_of_another_kind_of_data(tmp_path: Path) -> None:
    body = "data: {leads: {source: leads.csv, id: lead_id, converted: paid}}"
    plain = workspace(tmp_path, body, leads__csv="lead_id,paid\na,1\n")
    with pytest.raises(InputError, match="another kind of data: given leads with dates; expected a table of leads without dates"):
        as_trained(workspace(tmp_path, EDITED), plain.definition())
    with pytest.raises(InputError, match="given a table of leads without dates; expected leads with dates"):
        read_tables(plain, workspace(tmp_path, EDITED).definition())
