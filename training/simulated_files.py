"""Write a simulated world as a company would have it: three gzipped CSV files and a workspace file."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
from numpy.typing import NDArray

from training.simulated_events import EventColumns
from training.simulated_leads import LeadColumns
from training.simulated_names import EVENT_NAMES, spelt_by_an_old_client
from training.simulated_product import Floats, Ints
from training.simulated_truth import Lives

_OLD_CLIENT_EVERY = 11
"""One lead in so many uses an older client, which spells event names differently."""


def write_world(
    folder: Path, seed: int, until: int, leads: LeadColumns, lives: Lives, events: EventColumns, hold_back: Ints
) -> Path:
    """Write what is known at ``until``, without the leads held back; return the workspace file."""
    folder.mkdir(parents=True, exist_ok=True)
    written = np.ones(len(leads), dtype=bool)
    written[hold_back] = False
    _write_csv(folder / "leads.csv.gz", _leads_table(leads, lives, until).filter(pa.array(written)))
    _write_csv(folder / "events.csv.gz", _events_table(leads, events.rows(written[events.lead])))
    _write_csv(folder / "conversions.csv.gz", _conversions_table(leads, lives, until, written))
    workspace = folder / "workspace.yaml"
    workspace.write_text(workspace_text(seed, len(leads), until), encoding="utf-8")
    return workspace


def workspace_text(seed: int, leads: int, until: int) -> str:
    """Return the workspace file of a simulated world."""
    return _WORKSPACE.format(seed=seed, leads=leads, until=_iso(np.array([until]))[0])


def _leads_table(leads: LeadColumns, lives: Lives, until: int) -> pa.Table:
    ended = lives.ended_at <= until
    return pa.table(
        {
            "lead_id": pa.array(leads.ids),
            "signed_up_at": pa.array(_iso(leads.started_at)),
            "cancelled_at": pa.array(_iso(np.where(ended, lives.ended_at, 0)), mask=~ended),
            "org_id": pa.array(leads.account, pa.string()),
            "country": pa.array(leads.country, pa.string()),
            "company_size": _whole_numbers(leads.company_size),
            "channel": pa.array(leads.channel, pa.string()),
            "full_name": pa.array(leads.name),
            "email": pa.array(leads.email),
            "company": pa.array(leads.company, pa.string()),
            "job_title": pa.array(leads.job_title, pa.string()),
            "photo": pa.array(leads.photo, pa.string()),
        }
    )


def _events_table(leads: LeadColumns, events: EventColumns) -> pa.Table:
    spellings = pa.array([*EVENT_NAMES, *(spelt_by_an_old_client(name) for name in EVENT_NAMES)])
    old = events.lead % _OLD_CLIENT_EVERY == 0
    return pa.table(
        {
            "lead_id": pa.array(leads.ids).take(pa.array(events.lead)),
            "event": spellings.take(pa.array(events.name.astype(np.int64) + old * len(EVENT_NAMES))),
            "at": pa.array(_iso(events.at)),
            "received_at": pa.array(_iso(events.received_at)),
            "message_id": pa.compute.binary_join_element_wise("m", pa.array(events.message).cast(pa.string()), ""),
            "duration_s": _whole_numbers(events.duration_s),
            "amount": pa.array(events.amount, from_pandas=True),
            "score": _whole_numbers(events.score),
        }
    )


def _conversions_table(leads: LeadColumns, lives: Lives, until: int, written: NDArray[np.bool_]) -> pa.Table:
    row = np.flatnonzero((lives.converted_at <= until) & written)
    row = row[np.argsort(lives.converted_at[row], kind="stable")]
    return pa.table(
        {
            "lead_id": pa.array([leads.ids[index] for index in row], pa.string()),
            "converted_at": pa.array(_iso(lives.converted_at[row]), pa.string()),
        }
    )


def _whole_numbers(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True).cast(pa.int64())


def _iso(instant: Ints) -> NDArray[np.str_]:
    """Write instants in UTC, to the millisecond."""
    return np.datetime_as_string((instant // 1000).astype("datetime64[ms]"), timezone="UTC")


def _write_csv(path: Path, table: pa.Table) -> None:
    """Write a table as gzipped CSV whose bytes depend on nothing but the table."""
    text = io.BytesIO()
    pa.csv.write_csv(table, text, pa.csv.WriteOptions(quoting_style="none"))
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", compresslevel=4, fileobj=raw, mtime=0) as packed:
        packed.write(text.getbuffer())


_WORKSPACE = """\
# SIMULATED DATA. Nobody in these files exists: {leads} leads of an invented product, drawn with seed {seed} by Trialwise's
# simulator. What is known at {until} is all there is. Figures reached on it say nothing about any real product.
version: 1
name: simulated
language: en
timezone: UTC

# Three files, as a company would export them. Times carry their zone; received_at says when an event arrived: some are late.
data:
  leads: {{source: leads.csv.gz, id: lead_id, started_at: signed_up_at, ended_at: cancelled_at, account: org_id}}
  events: {{source: events.csv.gz, lead: lead_id, name: event, at: at, id: message_id, received_at: received_at,
           properties: [duration_s, amount, score]}}
  conversions: {{source: conversions.csv.gz, lead: lead_id, at: converted_at}}

# A free trial of two weeks; the question is who pays within 30 days of being looked at.
trial: {{days: 14}}
label: {{horizon_days: 30, gap_hours: 0}}
snapshots: {{ages_days: [1, 3, 7, 14]}}

# What the product's own event names mean. Names are compared folded: "Upgrade Page Viewed" and upgrade_page_viewed are one event.
# heartbeat, page:/settings, tooltip_shown, theme_changed and sync_finished mean nothing, and are left unmapped on purpose.
behaviours:
  session: {{events: [app_opened, login], duration: duration_s}}
  core_use: {{events: ["feature.*"]}}
  milestone: {{events: [project_created, email_sent, report_published], reach: [1, 5, 10]}}
  purchase_intent: {{events: [upgrade_page_viewed, "page:/pricing*", plan_compared]}}
  add_on: {{events: [addon_bought, credits_bought], amount: amount}}
  support: {{events: ["ticket.*", chat_started]}}
  education: {{events: ["webinar.*", docs_viewed, tutorial.completed]}}
  community: {{events: ["forum.*"]}}
  profile: {{events: ["profile.*"], traits: [company, job_title, photo]}}
  positive_feedback: {{events: [thumbs_up, {{event: nps_answered, where: {{score: {{ge: 9}}}}}}]}}
  negative_feedback: {{events: [thumbs_down, {{event: nps_answered, where: {{score: {{le: 6}}}}}}]}}
  collaboration: {{events: [invite_sent, teammate_joined]}}
  advocacy: {{events: [shared, referred]}}
  friction: {{events: ["error.*"]}}
  marketing: {{events: ["campaign.*", webinar_invite_opened]}}
  sales: {{events: [demo_booked, call_completed]}}

# One feature of our own, in one line: exports in the last week.
features:
  exports_7d: {{count: [feature.export], window: 7d, behaviour: core_use}}

# What a lead says of itself at sign-up; empty cells are missing values.
attributes: {{country: category, company_size: number, channel: category}}

# Carried into lists for people to see; never a feature, never logged.
contact: {{email: email, name: full_name, company: company}}

# How many leads the sales team can call in a week: this sets the threshold of a product-qualified lead.
capacity: {{contacts_per_week: 50}}
"""
