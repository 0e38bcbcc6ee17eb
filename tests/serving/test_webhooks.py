"""Delivering to a real receiver: at least once under one id, signed anew each time, and no endpoint in another's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from features.clock import now_us
from features.store import EventStore
from features.storing.lead_states import LeadState, Message, Move, Transition
from serving import webhooks
from serving.guarded_connect import Trust
from serving.webhook_endpoints import Endpoint, endpoints_of
from serving.webhook_metrics import WebhookMetrics
from serving.webhooks import Deliverer
from tests import store_fixture
from tests.serving.conftest import wait_for
from tests.serving.receiver import Receiver, receiving
from tests.serving.test_guarded_connect import workspace

store_url = store_fixture.made_store_url
HERE = Trust(loopback=True)


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url, wait_ms=20_000)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def endpoint(store: EventStore, url: str) -> Endpoint:
    (found,) = endpoints_of(workspace(url), HERE)
    store.outbox.know({found.name: found.address})
    return found


def put(store: EventStore, count: int, name: str = "crm") -> list[str]:
    ids = []
    for number in range(count):
        lead_id = f"lead{number}-{name}"
        store.add_leads([(lead_id, 1)], [], [])
        change = Transition(f"t-{lead_id}", lead_id, 5, "lead", "pql", None, "A", 0.5, "1", "d", "{}")
        message = Message(f"msg_{lead_id}", change.transition_id, name, "lead.stage_changed", lead_id, f'{{"n":{number}}}', 5)
        store.states.write([Move(LeadState(lead_id, "pql", "A", "1", 5), change, [message])])
        ids.append(message.message_id)
    return ids


def deliverer(store: EventStore, *endpoints: Endpoint, delays: tuple[float, ...] = (0.0, 0.0)) -> Deliverer:
    return Deliverer(store, endpoints, HERE, WebhookMetrics(CollectorRegistry()), delays=delays)


def test_a_message_arrives_signed_and_once(store: EventStore, receiver: Receiver) -> None:
    crm = endpoint(store, receiver.url())
    ids = put(store, 3)
    one = deliverer(store, crm)
    assert [one.deliver(crm) for _ in range(4)] == [True, True, True, False]
    assert receiver.ids() == ids
    for post in receiver.posts:
        post.verify()
        with pytest.raises(AssertionError, match="forged"):
            post.verify(key=b"another key that signed nothing.")
        with pytest.raises(AssertionError, match="older"):
            post.verify(now=time.time() + 301)
    assert [post.body for post in receiver.posts] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']


def test_what_fails_is_tried_again_under_the_same_id(store: EventStore, receiver: Receiver) -> None:
    crm = endpoint(store, receiver.url())
    (message_id,) = put(store, 1)
    receiver.will(500, 302, 200)
    one = deliverer(store, crm)
    assert [one.deliver(crm) for _ in range(4)] == [True, True, True, False]
    assert receiver.ids() == [message_id] * 3
    assert len({post.body for post in receiver.posts}) == 1
    (state,) = store.outbox.states()
    assert (state.delivered, state.failing_since, state.last_answer) == (1, None, "200")


def test_what_fails_too_often_is_given_up_and_can_be_replayed(store: EventStore, receiver: Receiver) -> None:
    crm = endpoint(store, receiver.url())
    (message_id,) = put(store, 1)
    receiver.will(500)
    one = deliverer(store, crm)
    assert [one.deliver(crm) for _ in range(4)] == [True, True, True, False]
    assert store.outbox.states()[0].failed == 1
    receiver.will(200)
    store.outbox.replay(now_us(), message_id=message_id, every=False)
    assert [one.deliver(crm) for _ in range(2)] == [True, False]
    assert receiver.ids() == [message_id] * 4


def test_gone_and_overloaded(store: EventStore, receiver: Receiver) -> None:
    crm = endpoint(store, receiver.url())
    put(store, 2)
    receiver.will((429, {"Retry-After": "60"}))
    one = deliverer(store, crm)
    assert [one.deliver(crm) for _ in range(2)] == [True, False]
    assert store.outbox.states()[0].paused_until is not None
    store.outbox.know({"crm": "moved"})
    receiver.will(410)
    assert [one.deliver(crm) for _ in range(2)] == [True, False]
    assert store.outbox.states()[0].disabled_at is not None
    assert len(receiver.posts) == 2


def test_several_that_deliver_send_everything_once(store: EventStore, store_url: str, receiver: Receiver) -> None:
    crm = endpoint(store, receiver.url())
    ids = put(store, 24)
    stores = [EventStore(store_url, wait_ms=20_000) for _ in range(3)]

    def drain(one: EventStore) -> None:
        mine = deliverer(one, crm)
        while one.outbox.waiting(["crm"]):
            mine.deliver(crm)

    threads = [threading.Thread(target=drain, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in stores:
        one.close()
    assert sorted(receiver.ids()) == sorted(ids)


def test_a_dead_endpoint_holds_up_nobody(store: EventStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "POLL_SECONDS", 0.02)
    with receiving() as other:
        dead_port = other.port
    text = {
        name: {"url": f"http://127.0.0.1:{port}/", "secret": "whsec_" + "A" * 32}
        for name, port in (("crm", receiver.port), ("dead", dead_port))
    }
    ws = workspace(receiver.url())
    both = endpoints_of(ws.model_validate({"name": "a", "data": {"events": {"source": "e"}}, "webhooks": text}), HERE)
    store.outbox.know({one.name: one.address for one in both})
    put(store, 2, "dead")
    ids = put(store, 3)
    metrics = WebhookMetrics(CollectorRegistry())
    one = Deliverer(store, both, HERE, metrics, delays=(3600.0,))
    one.start()
    try:
        wait_for(lambda: len(receiver.posts) == 3 and metrics.failed.labels("dead")._value.get() == 2)
    finally:
        one.stop()
    assert receiver.ids() == ids
    one.count_waiting()
    assert metrics.waiting.labels("dead")._value.get() == 2
    assert metrics.oldest.labels("dead")._value.get() > 1000
    assert (metrics.waiting.labels("crm")._value.get(), metrics.delivered.labels("crm")._value.get()) == (0, 3)
