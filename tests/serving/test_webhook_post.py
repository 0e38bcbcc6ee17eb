"""One attempt: what is read of an answer, and that no answer takes longer or more than it may (check 38)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from serving.guarded_connect import Trust
from serving.webhook_endpoints import Endpoint, endpoints_of
from serving.webhook_post import Reply, post
from tests.serving.receiver import receiving, speaking
from tests.serving.test_guarded_connect import workspace

HERE = Trust(loopback=True)


def at(port: int) -> Endpoint:
    (endpoint,) = endpoints_of(workspace(f"http://127.0.0.1:{port}/hook"), HERE)
    return endpoint


def test_the_body_arrives_as_it_is() -> None:
    body = '{"name": "Ğüş"}'.encode()
    with receiving() as receiver:
        receiver.will(200)
        assert post(at(receiver.port), {"webhook-id": "msg_1", "Content-Type": "application/json"}, body, HERE) == Reply(200)
        (got,) = receiver.posts
    assert (got.path, got.body, got.id, got.headers["content-type"]) == ("/hook", body, "msg_1", "application/json")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("0", 0.0), ("soon", None), ("-1", None), ("9" * 30, None), ("", None)],
)
def test_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    with receiving() as receiver:
        receiver.will((503, {"Retry-After": text}))
        assert post(at(receiver.port), {}, b"", HERE) == Reply(503, "", seconds)


def test_retry_after_as_a_date() -> None:
    when = datetime.now(UTC) + timedelta(seconds=500)
    with receiving() as receiver:
        receiver.will((429, {"Retry-After": format_datetime(when, usegmt=True)}))
        reply = post(at(receiver.port), {}, b"", HERE)
    assert reply.retry_after is not None
    assert 100 < reply.retry_after <= 500


@pytest.mark.parametrize(
    "parts",
    [
        [b"220 mail.example ESMTP\r\n"],
        [b"HTTP/1.1 200"],
        [],
        [b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 2000],
        [b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 9000],
        [b"\x00\xff" * 50],
    ],
    ids=["another protocol", "cut off", "nothing", "many headers", "a long header", "noise"],
)
def test_what_is_no_answer(parts: list[bytes]) -> None:
    with speaking(*parts) as (port, _):
        reply = post(at(port), {}, b"{}", HERE)
    assert reply.status is None
    assert reply.trouble in ("no_http", "connection_lost")


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    with speaking(b"HTTP/1.1 204 No Content\r\n\r\n", *[b"x" * 4096] * 50) as (port, _):
        assert post(at(port), {}, b"{}", HERE).status == 204
    with speaking(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1000\r\n" + b"x" * 4096 + b"\r\n"] * 50) as (
        port,
        _,
    ):
        assert post(at(port), {}, b"{}", HERE).status == 200


def test_who_speaks_slowly_is_cut_off() -> None:
    with speaking(*[b"HTTP/1.1 200 OK\r\n", *[b"X"] * 100], pause=0.05) as (port, _):
        assert post(at(port), {}, b"{}", HERE, seconds=0.4) == Reply(None, "timeout")


def test_who_does_not_listen() -> None:
    with speaking() as (port, _):
        pass
    assert post(at(port), {}, b"{}", HERE) == Reply(None, "connect_failed")
