"""The endpoints of the workspace file, checked: an address that may be spoken to, and a secret that can sign."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from features.errors import InputError
from features.workspace import Workspace
from features.workspaces.selling import WebhookSpec
from serving.guarded_connect import Trust

SECRET_BYTES = range(24, 65)
_PLAIN = re.compile(r"[!-~]+")
PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who is told of changes, of which, and how."""

    name: str
    secure: bool
    host: str
    port: int
    target: str = field(repr=False)
    """Path and query: they may hold a secret."""
    secrets: tuple[bytes, ...] = field(repr=False)
    on: tuple[str, ...]
    cloud_events: bool

    @property
    def authority(self) -> str:
        """Return the host as the Host header names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"

    @property
    def address(self) -> str:
        """Return a digest of the address, by which a new one is known."""
        return hashlib.sha256(f"{self.secure} {self.authority} {self.target}".encode()).hexdigest()[:32]


def endpoints_of(workspace: Workspace, trust: Trust) -> tuple[Endpoint, ...]:
    """Return the endpoints of a workspace.

    Raises
    ------
    InputError
        An address that is not https, or holds a user or a fragment; a secret that is missing or too weak.
    """
    return tuple(_endpoint(name, spec, trust) for name, spec in workspace.webhooks.items())


def _endpoint(name: str, spec: WebhookSpec, trust: Trust) -> Endpoint:
    url = _address(name, spec.url, trust)
    secure = url.scheme == "https"
    return Endpoint(
        name=name,
        secure=secure,
        host=str(url.hostname),
        port=url.port or PORTS[url.scheme],
        target=(url.path or "/") + (f"?{url.query}" if url.query else ""),
        secrets=tuple(read_secret(name, one) for one in (spec.secret or "").split()) or _no_secret(name),
        on=spec.on,
        cloud_events=spec.format == "cloudevents",
    )


def _address(name: str, text: str, trust: Trust) -> SplitResult:
    """Split an address, or refuse it without repeating it."""
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise _refused(name, "an address that cannot be read", "an address such as https://crm.example/hook") from None
    if not _PLAIN.fullmatch(text) or "\\" in text or not host or port == 0:
        raise _refused(name, "an address with blanks, other letters or no host", "an address such as https://crm.example/hook")
    if "@" in url.netloc or "#" in text:
        raise _refused(name, "an address with a user or a fragment", "an address without them; the secret signs the calls")
    if url.scheme != "https" and not (trust.loopback or host in trust.hosts):
        raise _refused(name, "an address with http://", "https://, or a host that TRIALWISE_WEBHOOK_TRUSTED_HOSTS names")
    return url


def read_secret(name: str, text: str) -> bytes:
    """Read a secret of Standard Webhooks: ``whsec_`` and the base64 of 24 to 64 bytes.

    >>> len(read_secret("crm", "whsec_" + "A" * 32))
    24
    """
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith("whsec_") or len(key) not in SECRET_BYTES:
        raise _refused(name, "a secret that is not of Standard Webhooks", "whsec_ and the base64 of 24 to 64 random bytes")
    return key


def _no_secret(name: str) -> tuple[bytes, ...]:
    raise _refused(name, "no secret", 'secret: "${NAME}", so that the receiver can tell our calls from others')


def _refused(name: str, given: str, expected: str) -> InputError:
    return InputError(f"webhook '{name}' cannot be used", given=given, expected=expected, do="correct the workspace file")
