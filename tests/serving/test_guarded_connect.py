"""The guard at the connection: nothing private is reached, however it is spelt and whatever a name answers the second time.

That is check 38.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from features.errors import InputError
from features.workspace import parse_workspace
from serving import guarded_connect
from serving.guarded_connect import NoConnection, Trust, connect, is_public
from serving.webhook_endpoints import endpoints_of
from serving.webhook_post import post
from tests.serving.receiver import SECRET, Receiver, receiving, speaking

PRIVATE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::7f00:1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1",
    "fd00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = [
    "93.184.216.34",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]

TARGETS = [
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "localhost", "LOCALHOST", "[::1]", "[::]", "0.0.0.0", "0",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
    "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "0x7f.1", "127.0x1", "0177.1",
    "10.0.0.1", "10.1", "100.64.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166", "172.16.0.1", "192.168.0.1",
    "[fd00::1]", "[fe80::1]", "[fec0::1]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "224.0.0.1", "255.255.255.255", "127.0.0.1.", "[ff02::1]", "198.18.0.1",
]  # fmt: skip
REFUSED_AS_TEXT = [
    "https://user@127.0.0.1/", "https://crm.example:80@127.0.0.1/", "https://crm.example\\@127.0.0.1/", "https:///hook",
    "https://crm.example#@127.0.0.1/", "https://127.0.0.1 /", "https://[::1/", "https://crm.example:99999/", "https://ｅxample.com/",
    "https://crm.example:0/", "http://crm.example/", "http://127.0.0.1/", "https://crm.example/a\tb",
]  # fmt: skip


def workspace(url: str, secret: str = SECRET) -> Any:
    text = f"{{name: acme, data: {{events: {{source: e.csv}}}}, webhooks: {{crm: {{url: {url!r}, secret: '${{S}}'}}}}}}"
    return parse_workspace(text, ".", environment={"S": secret})


@pytest.fixture
def listener() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that any socket of this process is told to connect to; those outside of this machine are not reached."""
    found: list[Any] = []
    real = socket.socket.connect

    def connecting(self: socket.socket, address: Any) -> None:
        found.append(address[0])
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise ConnectionRefusedError
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connecting)
    return found


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", TARGETS)
def test_no_target_is_reached(host: str, listener: Receiver, opened: list[Any]) -> None:
    (endpoint,) = endpoints_of(workspace(f"https://{host}:{listener.port}/hook"), Trust())
    reply = post(endpoint, {}, b"{}", Trust())
    assert (reply.status, reply.trouble) in [(None, "address_refused"), (None, "name_not_found")]
    assert (opened, listener.posts) == ([], [])


def test_there_are_forty_targets_and_each_is_spelt_otherwise() -> None:
    assert len(set(TARGETS)) == len(TARGETS) >= 40


@pytest.mark.parametrize("url", REFUSED_AS_TEXT)
def test_addresses_that_no_server_starts_with(url: str) -> None:
    with pytest.raises(InputError) as refusal:
        endpoints_of(workspace(url), Trust())
    assert "webhook 'crm' cannot be used" in str(refusal.value) or "a password written into 'url'" in str(refusal.value)
    assert "127.0.0.1" not in str(refusal.value)


def test_a_name_that_answers_otherwise_the_second_time(
    listener: Receiver, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    (endpoint,) = endpoints_of(workspace(f"https://rebinding.example:{listener.port}/"), Trust())
    assert post(endpoint, {}, b"{}", Trust()).trouble == "connect_failed"
    assert (asked, opened, listener.posts) == (["rebinding.example"], ["93.184.216.34"], [])
    assert post(endpoint, {}, b"{}", Trust()).trouble == "address_refused"
    assert opened == ["93.184.216.34"]


def test_one_private_address_among_public_ones_is_enough(opened: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(NoConnection, match="address_refused"):
        connect("crm.example", 443, secure=True, trust=Trust(), deadline=time.monotonic() + 5)
    assert opened == []


def test_redirects_are_not_followed(listener: Receiver) -> None:
    with receiving() as private:
        listener.will((302, {"Location": private.url()}))
        (endpoint,) = endpoints_of(workspace(listener.url()), Trust(loopback=True))
        assert post(endpoint, {}, b"{}", Trust(loopback=True)).status == 302
        assert private.posts == []


def test_what_is_trusted_is_reached_and_only_that(listener: Receiver) -> None:
    trust = Trust(hosts=frozenset({"localhost"}))
    (endpoint,) = endpoints_of(workspace(f"http://localhost:{listener.port}/hook?a=1"), trust)
    assert post(endpoint, {"webhook-id": "msg_1"}, b"{}", trust).status == 204
    assert (listener.posts[0].path, listener.posts[0].headers["host"]) == ("/hook?a=1", f"localhost:{listener.port}")
    with pytest.raises(InputError):
        endpoints_of(workspace(listener.url()), trust)
    with pytest.raises(NoConnection, match="address_refused"):
        connect("10.0.0.1", 80, secure=False, trust=Trust(loopback=True), deadline=time.monotonic() + 5)


def test_trust_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIALWISE_ENV", raising=False)
    monkeypatch.setenv("TRIALWISE_WEBHOOK_TRUSTED_HOSTS", "CRM.internal, 10.1.2.3,")
    assert Trust.from_environment() == Trust(frozenset({"crm.internal", "10.1.2.3"}), loopback=False)
    monkeypatch.setenv("TRIALWISE_ENV", "test")
    assert Trust.from_environment().loopback


def test_who_cannot_prove_its_name_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with speaking(b"this is no handshake\n") as (port, _), pytest.raises(NoConnection, match="tls_failed"):
        connect("127.0.0.1", port, secure=True, trust=Trust(loopback=True), deadline=time.monotonic() + 5)


def test_who_never_shakes_hands_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_connect, "CONNECT_SECONDS", 0.2)
    with speaking(b"", pause=3.0) as (port, _), pytest.raises(NoConnection, match="timeout"):
        connect("127.0.0.1", port, secure=True, trust=Trust(loopback=True), deadline=time.monotonic() + 5)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a certificate for a name, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=9))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = builder.sign(key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.key").write_bytes(text)
    return folder / f"{name}.pem", folder / f"{name}.key"


@pytest.mark.parametrize(("name", "status", "trouble"), [("localhost", 204, ""), ("elsewhere", None, "tls_failed")])
def test_the_other_side_proves_the_name_that_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, status: int | None, trouble: str
) -> None:
    chain, key = certificate(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    asked: list[str] = []
    context.set_servername_callback(lambda _socket, server_name, _context: asked.append(server_name))
    trust = Trust(loopback=True)
    with receiving(context) as receiver:
        (endpoint,) = endpoints_of(workspace(f"https://localhost:{receiver.port}/"), trust)
        reply = post(endpoint, {}, b"{}", trust)
        assert (reply.status, reply.trouble, asked, len(receiver.posts)) == (status, trouble, ["localhost"], int(status == 204))
        monkeypatch.delenv("SSL_CERT_FILE")
        assert post(endpoint, {}, b"{}", trust).trouble == "tls_failed"
