"""The watch: score the leads of which something new was stored, and in a slow pass all others, to see which of them have changed.

Of all server processes on one database one watches at a time, by a lease. That saves work; that a change counts once does not
depend on it, since a state is only written over the one that was seen. What happened before the watch began is nobody's news: a
lead that is older is first seen as it stood then.

Requests come first. Leads are looked at a few at a time, with a rest after each few, and while requests compute or write the
watch waits.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from features.clock import NEVER, now_us
from features.failpoints import failpoint
from features.store import EventStore
from features.storing.engine import StoreUnavailable
from features.storing.lead_states import LeadState, Move
from features.storing.news import Watched
from features.storing.rows import StoredLead
from features.workspace import Workspace
from models import stages
from serving.lead_changes import REASONS, change, settle
from serving.live_lead import Standing
from serving.proving import Loaded
from serving.scoring import Record, Wish, asked_of, score_standings
from serving.webhook_endpoints import Endpoint
from serving.webhook_messages import messages_of
from serving.webhook_metrics import WebhookMetrics
from serving.webhook_schedule import SECOND_US

POLL_SECONDS = 1.0
LEASE_US = 30 * SECOND_US
ASIDE_SECONDS = 5.0
"""So often a process that does not watch looks whether it should."""
SAVE_US = 5 * SECOND_US
BATCH, FEW = 25, 5
"""So many leads are looked at without a rest; and so many while requests come without a pause, each of which waits for them."""
MOST_DUE = 1000
PASS_US = 3600 * SECOND_US
"""How often all leads are looked at, if there is time enough."""
REST = 4.0
"""In the pass over all leads the rest after a few of them is so many times as long as they took."""
AHEAD_US = 3600 * SECOND_US
"""What will only be known within so long, by a clock that is ahead of ours, is looked at then; beyond it the pass will see it."""
LONGEST_WAY = 0.1
"""So many seconds at most requests are let through before the next few leads."""

log = logging.getLogger("trialwise.watch")


class Serving(Protocol):
    """What has a model."""

    @property
    def current(self) -> Loaded | None:
        """The model that serves, if any."""


class Watcher:
    """The watch of one server process.

    Parameters
    ----------
    busy
        Tells whether requests are being worked on.
    """

    def __init__(
        self,
        workspace: Workspace,
        store: EventStore,
        live: Serving,
        endpoints: Sequence[Endpoint],
        metrics: WebhookMetrics,
        busy: Callable[[], bool] = bool,
    ) -> None:
        self._workspace = workspace
        self._store = store
        self._live = live
        self._endpoints = endpoints
        self._metrics = metrics
        self._busy = busy
        self._debounce_us = round(workspace.stages.debounce_seconds * SECOND_US)
        self._me = secrets.token_hex(8)
        self._watched: Watched | None = None
        self._kept: Watched | None = None
        self._kept_at = 0
        self._later: dict[str, int] = {}
        """When to look again at leads of which something is stored that is not known yet."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Start watching: what comes in from now on is news."""
        self._store.news.begin(now_us())
        self._thread.start()

    def stop(self) -> None:
        """Stop, and leave the turn to another process."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        try:
            if self._watched is not None:
                self._keep(self._watched)
            self._store.news.give_up(self._me)
        except StoreUnavailable as trouble:
            log.warning("%s", trouble)

    def step(self) -> float:
        """Look at what is new, at what is due, and at a few leads of the pass; return how long to rest."""
        now = now_us()
        if self._watched is None:
            self._watched = self._kept = self._store.news.hold(self._me, now, LEASE_US)
            self._kept_at = now
        loaded = self._live.current
        if self._watched is None or loaded is None:
            return ASIDE_SECONDS if self._watched is None else POLL_SECONDS
        new, ahead, more = self._store.news.fetch(self._watched)
        due = self._store.states.due(now, MOST_DUE)
        later = [one for one, at in self._later.items() if at <= now]
        if not self._look_at(loaded, list(dict.fromkeys((*new, *due, *later)))):
            self._watched = None  # what was not looked at stays new
            return 0.0
        self._watched = ahead
        begin = time.monotonic()
        passing = self._pass(loaded)
        rest = REST * (time.monotonic() - begin)
        self._keep_at_times()
        if more or len(due) == MOST_DUE:
            return 0.0
        return min(rest, POLL_SECONDS) if passing else POLL_SECONDS

    def _run(self) -> None:
        pause = POLL_SECONDS
        while not self._stop.wait(pause):
            try:
                pause = self.step()
            except StoreUnavailable as trouble:
                log.warning("%s", trouble)
                self._watched, pause = None, ASIDE_SECONDS
            except Exception:
                log.exception("the watch failed")
                self._watched, pause = None, ASIDE_SECONDS

    def _look_at(self, loaded: Loaded, ids: Sequence[str]) -> bool:
        """Look at some leads, a few at a time; return False if it had to end before all were looked at."""
        done = 0
        while done < len(ids):
            few, begin = self._give_way(), time.monotonic()
            self._look_or_skip(loaded, ids[done : done + few])
            self._keep_at_times()
            done += few
            last = done >= len(ids)
            if self._watched is None or (self._stop.wait(0.0 if last else time.monotonic() - begin) and not last):
                return False
        return True

    def _give_way(self) -> int:
        """Wait while requests are being worked on, though not for ever; return how many leads may then be looked at."""
        deadline = time.monotonic() + LONGEST_WAY
        while self._busy():
            if time.monotonic() >= deadline or self._stop.wait(0.01):
                return FEW
        return BATCH

    def _pass(self, loaded: Loaded) -> bool:
        """Look at the next few leads of the pass over all; return whether there are more. Another model begins it anew."""
        watched, now = self._watched, now_us()
        if watched is None:
            return False
        if watched.swept_by != loaded.ref.digest or (watched.sweep_after is None and now - watched.sweep_begun >= PASS_US):
            watched = replace(watched, sweep_after="", sweep_begun=now, swept_by=loaded.ref.digest)
        if watched.sweep_after is None:
            return False
        few = self._give_way()
        ids = self._store.news.next_leads(watched.sweep_after, few)
        customers = {one for one, state in self._store.states.of(ids).items() if state.stage == stages.CUSTOMER}
        self._look_or_skip(loaded, [one for one in ids if one not in customers])
        self._watched = replace(watched, sweep_after=ids[-1] if len(ids) == few else None)
        return self._watched.sweep_after is not None

    def _keep_at_times(self) -> None:
        """Write down how far the watch is, and extend its lease, now and then: doing a little again does no harm."""
        now = now_us()
        changed = self._watched != self._kept
        if self._watched is not None and now - self._kept_at >= (SAVE_US if changed else LEASE_US // 2):
            self._keep(self._watched)

    def _keep(self, watched: Watched) -> None:
        now = now_us()
        mine = self._store.news.keep(self._me, watched, now + LEASE_US)
        self._watched = self._kept = watched if mine else None
        self._kept_at = now

    def _look_or_skip(self, loaded: Loaded, ids: Sequence[str]) -> None:
        """Look at some leads; one that cannot be looked at is left out, and the others are looked at one by one."""
        try:
            self.look(loaded, ids)
        except StoreUnavailable:
            raise
        except Exception as trouble:
            if len(ids) == 1:
                log.error("a lead could not be looked at: %s", type(trouble).__name__)  # never its id, nor its values
                return
            for one in ids:
                self._look_or_skip(loaded, [one])

    def look(self, loaded: Loaded, ids: Sequence[str]) -> int:
        """Score some leads, write where they stand, and return how many of them changed."""
        if not ids:
            return 0
        begin, now = time.perf_counter(), now_us()
        stored = self._store.leads(ids)
        seen = [standing for one in stored.values() if (standing := _standing(loaded, one, now)) is not None]
        self._put_off(stored.values(), now)
        before = self._store.states.of(ids)
        before |= self._first(loaded, [stored[one.lead.lead_id] for one in seen if one.lead.lead_id not in before])
        was = {one: state.stage for one, state in before.items()}
        scores = self._score(loaded, seen, now, 0, was)
        moves = self._moves(loaded, seen, scores, before, now)
        failpoint("watch.scored")
        made = self._store.states.write(moves)
        # Who is not open, or no lead of its own any more, has no place among the live ones.
        found: dict[str, float | None] = {record["lead_id"]: record["probability"] for record in scores}
        self._store.latest.write(loaded.ref.digest, now, {**dict.fromkeys(ids), **found})
        there = {one.lead.lead_id for one in seen}
        self._store.states.drop([one for one, state in before.items() if one not in there and state.revision])
        for one in made:
            for kind, old, new in (("stage", one.from_stage, one.to_stage), ("grade", one.from_grade, one.to_grade)):
                self._metrics.changes.labels(kind).inc(old != new)
        self._metrics.looked.inc(len(ids))
        self._metrics.look_seconds.inc(time.perf_counter() - begin)
        return len(made)

    def _put_off(self, stored: Iterable[StoredLead], now: int) -> None:
        """Take down when to look again at leads of which something is stored that is not known yet."""
        for one in stored:
            self._later.pop(one.lead_id, None)
            known_at = min((at for at in _known(one) if at > now), default=NEVER)
            if known_at <= now + AHEAD_US:
                self._later[one.lead_id] = known_at

    def _moves(
        self, loaded: Loaded, seen: Sequence[Standing], scores: Sequence[Record], before: Mapping[str, LeadState], now: int
    ) -> list[Move]:
        """Return what is to be written: nothing of a lead that stands where it stood."""
        after: dict[str, LeadState] = {}
        was = {one: state.stage for one, state in before.items()}
        for record in scores:
            state = before[record["lead_id"]]
            after[state.lead_id] = settle(state, record["stage"], record["grade"], now, self._debounce_us)
        changed = [one for one in seen if _differ(before[one.lead.lead_id], after[one.lead.lead_id])]
        records = {record["lead_id"]: record for record in self._score(loaded, changed, now, REASONS, was)}
        rules = self._rules(loaded, changed, records, before, after, now)
        enabled = self._store.outbox.enabled([one.name for one in self._endpoints]) if records and self._endpoints else set()
        endpoints = [one for one in self._endpoints if one.name in enabled]
        moves = []
        for one, state in after.items():
            if one in records:
                told = replace(state, model_version=loaded.ref.version)
                transition = change(before[one], told, records[one], rules[one], loaded)
                messages = list(messages_of(transition, records[one], endpoints, self._workspace.name))
                moves.append(Move(told, transition, messages))
            elif state != before[one] or not state.revision:
                moves.append(Move(state))
        return moves

    def _first(self, loaded: Loaded, unknown: Sequence[StoredLead]) -> dict[str, LeadState]:
        """Return where leads stand that were never looked at: a newcomer is a lead without a grade.

        Who was there before the watch began stands where it stood then.
        """
        began_at = 0 if self._watched is None else self._watched.began_at
        version = loaded.ref.version
        found = {one.lead_id: LeadState(one.lead_id, stages.LEAD, None, version, max(one.known_at, began_at)) for one in unknown}
        old = [standing for one in unknown if one.known_at < began_at and (standing := _standing(loaded, one, began_at))]
        for record in self._score(loaded, old, began_at, 0, {}):
            lead_id = record["lead_id"]
            found[lead_id] = replace(found[lead_id], stage=record["stage"], grade=record["grade"])
        return found

    def _rules(
        self,
        loaded: Loaded,
        changed: Sequence[Standing],
        records: Mapping[str, Record],
        before: Mapping[str, LeadState],
        after: Mapping[str, LeadState],
        as_of: int,
    ) -> dict[str, dict[str, Any]]:
        """Return by which rule each lead that has changed has its stage now."""
        if not changed:
            return {}
        rules = loaded.stages
        matrix = loaded.view.matrix(changed, as_of, self._store)
        found = {}
        for row, standing in enumerate(changed):
            one = standing.lead.lead_id
            stage, was = after[one].stage, before[one].stage
            found[one] = stages.rule_of(stage, was, matrix, row, records[one]["probability"], rules, loaded.scorer.reference)
        return found

    def _score(
        self, loaded: Loaded, standings: Sequence[Standing], as_of: int, reasons: int, was: Mapping[str, str]
    ) -> list[Record]:
        """Score some leads, each with the stage that it had, where it had one."""
        asked = asked_of(loaded, Wish(reasons, self._workspace.language))
        before = [was.get(one.lead.lead_id) for one in standings]
        return score_standings(loaded, self._store, standings, as_of, asked, before=before)


def _standing(loaded: Loaded, stored: StoredLead, as_of: int) -> Standing | None:
    """Return a lead as it stands, or None where it is no lead, or one that the workspace ignores."""
    found = loaded.view.standing(stored, as_of)
    return None if found is None or found.ignored else found


def _known(stored: StoredLead) -> Iterator[int]:
    """Yield when each thing that is stored of a lead becomes known, with what is stored of ids that turned out to be it."""
    yield from (max(event.at, event.received_at) for event in stored.events)
    yield from (fact.known_at for fact in stored.facts)
    yield from (outcome.known_at for outcome in stored.outcomes)
    for source, merged in stored.sources:
        yield merged.known_at
        yield from _known(source)


def _differ(before: LeadState, after: LeadState) -> bool:
    return (before.stage, before.grade) != (after.stage, after.grade)
