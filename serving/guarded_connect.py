"""Connecting to an address that a person wrote down, without becoming the way into the network behind the server.

The name is resolved once, every address that it has is judged, and the connection goes to one of these addresses: there is no
second look-up whose answer could be another. What is judged is the address that the packets go to, so it does not matter how the
host was spelt.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

CONNECT_SECONDS = 5.0

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PUBLIC_6 = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC_6 = tuple(ipaddress.ip_network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""Protocols of their own, examples, and 6to4, whose addresses hold another address."""
_NOT_PUBLIC_4 = tuple(ipaddress.ip_network(one) for one in ("192.0.0.0/24", "192.88.99.0/24"))


class NoConnection(Exception):
    """There is no connection; the text says in one word why."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Which hosts may be reached although they are not public."""

    hosts: frozenset[str] = frozenset()
    """Hosts that may be spoken to at any address, and without TLS."""
    loopback: bool = False
    """Whether this machine itself may be, which tests need."""

    @classmethod
    def from_environment(cls) -> Trust:
        """Read TRIALWISE_WEBHOOK_TRUSTED_HOSTS, names with commas between them; loopback is trusted where TRIALWISE_ENV=test."""
        names = os.environ.get("TRIALWISE_WEBHOOK_TRUSTED_HOSTS") or ""
        hosts = frozenset(name.strip().lower() for name in names.split(",") if name.strip())
        return cls(hosts, loopback=os.environ.get("TRIALWISE_ENV") == "test")


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet; of an address within an address the inner one counts.

    >>> [is_public(ipaddress.ip_address(one)) for one in ("93.184.216.34", "10.0.0.1", "::ffff:127.0.0.1", "2606:4700::1")]
    [True, False, False, True]
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        outside = address not in _PUBLIC_6 or any(address in one for one in _NOT_PUBLIC_6)
    else:
        outside = any(address in one for one in _NOT_PUBLIC_4)
    return address.is_global and not outside and not address.is_multicast and not address.is_reserved


def connect(host: str, port: int, *, secure: bool, trust: Trust, deadline: float) -> socket.socket:
    """Return a connection to a host at an address that may be reached, with TLS in the host's name where it is secure.

    Raises
    ------
    NoConnection
        The name has no address, or one that may not be reached; nobody answered by the deadline (of the monotonic clock) or
        within five seconds; or the other side could not prove its name.
    """
    found = _addresses(host, port)
    if not all(_may_reach(ipaddress.ip_address(one[1][0].partition("%")[0]), host, secure, trust) for one in found):
        raise NoConnection("address_refused")
    deadline = min(deadline, time.monotonic() + CONNECT_SECONDS)
    opened = _open(found, deadline)
    if not secure:
        return opened
    try:
        opened.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(opened, server_hostname=host)
    except (OSError, ValueError) as trouble:
        opened.close()
        raise NoConnection("timeout" if isinstance(trouble, TimeoutError) else "tls_failed") from None


def _addresses(host: str, port: int) -> list[tuple[int, Any]]:
    """Look a name up, once."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoConnection("name_not_found") from None
    return [(family, address) for family, _, _, _, address in found if family in (socket.AF_INET, socket.AF_INET6)]


def _may_reach(address: Address, host: str, secure: bool, trust: Trust) -> bool:
    if host.lower() in trust.hosts:
        return True
    if trust.loopback and address.is_loopback:
        return True
    return secure and is_public(address)


def _open(found: list[tuple[int, Any]], deadline: float) -> socket.socket:
    """Connect to the first of some addresses that answers."""
    trouble = "name_not_found"
    for family, address in found:
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.settimeout(_left(deadline))
            opened.connect(address)
        except OSError as error:
            opened.close()
            trouble = "timeout" if isinstance(error, TimeoutError) else "connect_failed"
        else:
            return opened
    raise NoConnection(trouble)


def _left(deadline: float) -> float:
    """Return the seconds that are left, or say that there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
