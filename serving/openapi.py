"""The schema of the API as a file, so that its changes are reviewed: ``python -m serving.openapi`` writes it."""

from __future__ import annotations

import json
from pathlib import Path

from serving.app import described

FILE = Path(__file__).with_name("openapi.json")


def text() -> str:
    """Return the schema as it is now."""
    return json.dumps(described().openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
