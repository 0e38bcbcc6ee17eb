"""Settings: where things are, from the environment. What things mean stands in the workspace file; there is no third place."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from features.errors import InputError
from features.storing.engine import configured_url
from serving.limits import Limits

ORIGINS = "TRIALWISE_CORS_ORIGINS"
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Settings:
    """One server's places and limits."""

    home: Path
    database_url: str
    key_secret: str | None = None
    open_to_all: bool = False
    poll_seconds: float = 3.0
    """How often the registry is asked which model is champion."""
    limits: Limits = field(default_factory=Limits)
    origins: frozenset[str] = frozenset()
    """The origins of web pages that may send events."""

    @classmethod
    def from_environment(cls, *, open_to_all: bool = False) -> Settings:
        """Read the settings from the environment; whether the server is open is said when it is started."""
        return cls(
            home=Path(os.environ.get("TRIALWISE_HOME") or "var"),
            database_url=configured_url(),
            key_secret=os.environ.get("TRIALWISE_KEY_SECRET") or None,
            open_to_all=open_to_all,
            limits=Limits.from_environment(),
            poll_seconds=_seconds(os.environ.get("TRIALWISE_POLL_SECONDS") or "3"),
            origins=read_origins(os.environ.get(ORIGINS) or ""),
        )

    def secret(self) -> bytes:
        """Return the secret under which keys are digested: TRIALWISE_KEY_SECRET, else one made once and kept in the home."""
        if self.key_secret is not None:
            return self.key_secret.encode()
        path = self.home / "key_secret"
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            # Written aside and linked into place, so that of several workers that start together all read the same whole file.
            aside = self.home / f".key_secret.{secrets.token_hex(8)}"
            aside.touch(mode=0o600)
            aside.write_text(secrets.token_hex(32), encoding="ascii")
            try:
                os.link(aside, path)
            except FileExistsError:
                pass
            finally:
                aside.unlink()
            return path.read_bytes()
        except OSError as trouble:
            raise InputError(
                "the secret of the API keys cannot be kept",
                given=f"{path}: {trouble.strerror}",
                expected="a folder that can be written",
                do="set TRIALWISE_HOME, or TRIALWISE_KEY_SECRET",
            ) from trouble


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.05 <= value <= 3600:
        raise InputError(
            "TRIALWISE_POLL_SECONDS is not usable", given=text, expected="seconds between 0.05 and 3600", do="correct it"
        )
    return value


def read_origins(text: str) -> frozenset[str]:
    """Read a list of origins of web pages.

    >>> sorted(read_origins("https://acme.com, http://localhost:3000"))
    ['http://localhost:3000', 'https://acme.com']
    """
    found = [part.strip().lower() for part in text.split(",") if part.strip()]
    for part in found:
        if _ORIGIN.fullmatch(part) is None:
            raise InputError(
                f"{ORIGINS} is not usable",
                given=part,
                expected="origins such as https://app.acme.com, separated by commas",
                do="leave out paths and stars: an origin is a scheme, a host and perhaps a port",
            )
    return frozenset(found)
