"""What the exports of each tool look like. Data, no code: columns in the order in which they are preferred.

Names are those of the documented schemas; what lies in an object of properties is found there by its own name. An entry of
`event`, `lead` or `merges` may be a column term (``features/reading/column_terms.py``): it is used where its columns are there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool's table or file of events."""

    title: str
    marks: tuple[tuple[str, ...], ...]
    """Columns by which it is known: one of each group must be there."""
    lead: tuple[str, ...]
    event: tuple[str, ...]
    """The first whose columns are there wins in each row; terms of pages and screens stand before the name itself."""
    at: tuple[str, ...]
    id: tuple[str, ...] = ()
    received_at: tuple[str, ...] = ()
    merges: tuple[tuple[str, str], ...] = ()
    """Who turned out to be whom, in the same rows: from, to."""
    tables: tuple[str, ...] = ("events",)
    """Patterns of the table's name in a warehouse."""
    notes: tuple[str, ...] = ()
    dull: tuple[str, ...] = ("event_date", "platform", "url", "current_url_path", "language", "version_name", "app_id")
    """Columns that would be properties by their values and are none."""


CALLS = Tool(
    "calls as JSON",
    marks=(("type",), ("messageId",), ("userId", "anonymousId"), ("timestamp", "originalTimestamp")),
    lead=("userId", "anonymousId"),
    event=(
        "event if type = track",
        "page:{properties.path} if type = page",
        "page:{properties.url.path} if type = page",
        "page:{name} if type = page",
        "screen:{name} if type = screen",
    ),
    at=("timestamp", "originalTimestamp"),
    id=("messageId",),
    received_at=("receivedAt",),
    merges=(("anonymousId if type = identify", "userId"), ("previousId if type = alias", "userId")),
    notes=("identify, group and alias calls are no events, and are passed over here",),
)

TOOLS = {
    "posthog": Tool(
        "PostHog's events",
        marks=(("event",), ("distinct_id",), ("timestamp",), ("uuid", "person_id", "$lib", "$current_url")),
        lead=("distinct_id",),
        event=(
            "page:{$pathname} if event = $pageview",
            "screen:{$screen_name} if event = $screen",
            "event unless event = $identify, $create_alias, $groupidentify, $set, $set_once, $merge_dangerously",
        ),
        at=("timestamp",),
        id=("uuid",),
        received_at=("created_at", "_inserted_at", "inserted_at"),
        merges=(("$anon_distinct_id if event = $identify", "distinct_id"), ("alias if event = $create_alias", "distinct_id")),
        tables=("events", "posthog_events"),
        notes=("lead: person_id instead would take each event for the person that PostHog knew when it came in",),
    ),
    "mixpanel": Tool(
        "Mixpanel's raw export",
        marks=(("event", "event_name", "mp_event_name"), ("distinct_id",), ("time",)),
        lead=("$user_id", "distinct_id"),
        event=(
            "page:{current_url_path} if event = $mp_web_page_view",
            "event unless event = $identify, $create_alias, $merge",
            "event_name",
            "mp_event_name",
        ),
        at=("time",),
        id=("$insert_id", "insert_id", "mp_insert_id"),
        received_at=("mp_processing_time_ms",),
        tables=("mp_master_event", "events?", "mixpanel_.*"),
        notes=("older projects export their times shifted to the project's time zone: compare one with the tool",),
    ),
    "amplitude": Tool(
        "Amplitude's export",
        marks=(("event_type",), ("event_time",), ("amplitude_id", "device_id", "user_id")),
        lead=("user_id", "amplitude_id", "device_id"),
        event=(
            "page:{[Amplitude] Page Path} if event_type = [Amplitude] Page Viewed",
            "event_type unless event_type = $identify, $groupidentify",
        ),
        at=("event_time",),
        id=("$insert_id", "insert_id", "uuid"),
        received_at=("server_received_time", "server_upload_time"),
        merges=(("amplitude_id", "user_id"),),
        tables=("events?_.*", "events?"),
    ),
    "ga4": Tool(
        "Google Analytics 4's export to BigQuery",
        marks=(("event_name",), ("event_timestamp",), ("user_pseudo_id",)),
        lead=("user_id", "user_pseudo_id"),
        event=(
            "page:{page_location.path} if event_name = page_view",
            "screen:{firebase_screen} if event_name = screen_view",
            "event_name",
        ),
        at=("event_timestamp",),
        merges=(("user_pseudo_id", "user_id"),),
        tables=(r"events_\d{8}", "events"),
        notes=("its rows have no id: load each day once",),
    ),
    "snowplow": Tool(
        "Snowplow's atomic events",
        marks=(("event_id",), ("collector_tstamp",), ("event_name", "event"), ("domain_userid", "user_id", "network_userid")),
        lead=("user_id", "domain_userid", "network_userid"),
        event=("page:{page_urlpath} if event_name = page_view", "se_action if event = struct", "event_name", "event"),
        at=("derived_tstamp", "dvce_created_tstamp", "collector_tstamp"),
        id=("event_id",),
        received_at=("collector_tstamp",),
        merges=(("domain_userid", "user_id"),),
        tables=("events",),
    ),
}


@dataclass(frozen=True, slots=True)
class Family:
    """Tools that write one table for each kind of call."""

    title: str
    tables: tuple[str, ...] = ("tracks", "pages", "screens", "identifies", "users", "groups", "aliases")
    lead: tuple[str, ...] = ("user_id", "anonymous_id")
    at: tuple[str, ...] = ("timestamp", "original_timestamp", "received_at")
    event: tuple[str, ...] = ("event_text", "event")
    page: tuple[str, ...] = ("path", "name")
    standard: tuple[str, ...] = (
        "id", "user_id", "anonymous_id", "group_id", "previous_id", "received_at", "sent_at", "original_timestamp", "timestamp",
        "uuid", "uuid_ts", "loaded_at", "event", "event_text", "channel", "row_id",
    )  # fmt: skip
    """Columns that the tool adds itself: no traits."""
    prefixes: tuple[str, ...] = ("context_", "_")


FAMILIES = {"segment": Family("Segment's warehouse tables"), "rudderstack": Family("RudderStack's warehouse tables")}
PRESETS = ("segment", "rudderstack", *TOOLS)
