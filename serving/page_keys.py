"""Keys of web pages: everybody can read them, so they tell what happens on a page, and never who paid or who left.

Whatever the workspace reads as a payment or as the end of a trial is refused with such a key, at every door. It is kept like all
that is refused, so that somebody sees it; replaying it does not help.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from features.names import matches
from features.storing.rows import Message
from features.storing.sent_names import Names, folded
from features.workspace import Workspace
from features.workspaces.conditions import all_hold
from serving.access import Caller
from serving.ingest import Door
from serving.items import RefusedCall

NOT_FOR_PAGES = "not_for_pages"


def as_seen_by(caller: Caller, door: Door, workspace: Workspace) -> Door:
    """Return a door as it is for a caller: narrower for one with the key of a web page."""
    if not caller.is_page:
        return door
    payments = workspace.data.conversions.events if workspace.data.conversions is not None else ()
    leads = workspace.data.leads
    ends = Names([leads.ended_at] if leads is not None and leads.ended_at is not None else [])
    asked = Names(name for pattern in payments for name in pattern.where)

    def says_too_much(message: Message) -> bool:
        name, properties = folded(message.name), asked.of(message.properties)
        pays = any(matches(pattern.event, name) and all_hold(properties, pattern.where) for pattern in payments)
        return pays or any(value is not None for value in ends.of(message.traits).values())

    def clean(item: Any) -> Message:
        message: Message = door.clean(item)
        if says_too_much(message):
            raise RefusedCall(NOT_FOR_PAGES, "The key of a web page may not say who paid or whose trial ended.")
        return message

    return replace(door, clean=clean)
