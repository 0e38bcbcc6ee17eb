"""One stored lead: what is stored of it, how it stood at an instant, or the problem that says why there is no such lead."""

from __future__ import annotations

from dataclasses import replace

from features.matrix import FeatureMatrix, LiveAccount, LiveLead, compute_one
from features.store import EventStore
from features.storing.rows import StoredLead
from serving.account_mates import read_mates
from serving.live_lead import Standing
from serving.problems import Problem
from serving.view import View


def stored_of(store: EventStore, lead_id: str) -> StoredLead:
    """Return everything that is stored about a lead."""
    stored = store.lead(lead_id) if "\x00" not in lead_id else None
    if stored is None:
        raise Problem("lead_not_found", why_not(False, None))
    return stored


def standing_of(stored: StoredLead, view: View, as_of: int) -> Standing:
    """Return how a lead stood at an instant."""
    standing = view.standing(stored, as_of)
    if standing is None or standing.ignored:
        raise Problem("lead_not_found", why_not(True, standing))
    return standing


def why_not(known: bool, standing: Standing | None) -> str:
    """Say why there is no such lead."""
    if not known:
        return "Nothing was ever received about this lead."
    return "The workspace ignores this lead." if standing is not None else "As of that instant this was no lead of its own."


def with_account(standing: Standing, view: View, store: EventStore, known_by: int) -> LiveLead:
    """Return a lead with its account mates as they were known at an instant, where any feature looks at them."""
    if standing.account is None or not view.features.over_mates:
        return standing.lead
    read = {standing.stored.lead_id: standing.stored}
    [(_, mates)] = read_mates(store, view.reader, view.definition, [standing.account], known_by, read)
    return replace(standing.lead, account=LiveAccount(mates))


def look(view: View, lead: LiveLead, as_of: int) -> FeatureMatrix:
    """Return the features of one lead as of an instant, which may be later than what is known of it."""
    return compute_one(view.features, view.plan, lead, as_of)
