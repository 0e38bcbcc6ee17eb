"""A registry with tiny folders in it: what is written to MLflow does not look inside them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from models import registry
from models.registry import ChampionRef, TrainingRecord

INPUTS = {"uses": "double", "country": "string"}
EXAMPLE = pd.DataFrame({"uses": [0.0, None], "country": ["tr", None]})


def registered(home: Path, name: str, digest: str = "d1", record: TrainingRecord | None = None) -> ChampionRef:
    folder = home / "folders" / f"{name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(f'{{"digest": "{digest}"}}\n')
    return registry.register(
        name, folder, digest=digest, inputs=INPUTS, example=EXAMPLE, record=record or TrainingRecord(), home=home
    )
