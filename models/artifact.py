"""Artifact: a model as a folder of text with a hash for each file, written byte for byte the same for the same model.

A folder may come from anywhere, so reading trusts nothing: sizes first, then hashes, then every key, type, index and number, and
last the golden rows, whose scores must come out again. No import path, time, host or other path is in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.definition import Definition
from features.errors import InputError
from models.blend import read_learner
from models.calibration import Calibrator
from models.columns import MOST_COLUMNS, ColumnSpec
from models.errors import ModelError, damaged
from models.golden import golden_json, golden_rows, read_golden
from models.reference import Reference
from models.scorer import Meta, Scorer
from models.strict import Fields, read_json, write_json

FORMAT = 1
KIND = "trialwise-model"
MANIFEST = "manifest.json"
FILES = ("calibration.json", "columns.json", "definition.json", "golden.json", "learner.json", "meta.json", "reference.json")
MOST_BYTES = 64 * 1024 * 1024
TOLERANCE = 1e-9
"""How far a golden score may be off on another kind of machine; on the same kind it is 0, which `verify` checks."""


def save(scorer: Scorer, folder: Path) -> str:
    """Write a model into a new or empty folder and return the folder's digest."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ModelError(
            "The folder for the model is not empty", given=str(folder), expected="a new folder", do="name another one"
        )
    texts = {
        "definition.json": scorer.definition.canonical() + "\n",
        "columns.json": write_json({"columns": [column.as_dict() for column in scorer.columns]}),
        "learner.json": write_json(scorer.learner.to_json()),
        "calibration.json": write_json(scorer.calibrator.to_json()),
        "reference.json": write_json(scorer.reference.to_json()),
        "meta.json": write_json(
            {"name": scorer.meta.name, "horizon_days": float(scorer.meta.horizon_days), "facts": dict(scorer.meta.facts)}
        ),
        "golden.json": write_json(golden_json(scorer, golden_rows(scorer.columns))),
    }
    manifest = {
        "kind": KIND,
        "format": FORMAT,
        "fingerprint": scorer.definition.fingerprint,
        "files": {name: sha256(text.encode()).hexdigest() for name, text in texts.items()},
    }
    for name, text in {**texts, MANIFEST: write_json(manifest)}.items():
        (folder / name).write_bytes(text.encode())
    return folder_digest(folder)


def folder_digest(folder: Path) -> str:
    """Return the SHA-256 of a folder's manifest, which holds the hashes of all other files."""
    return sha256(_read(folder, [MANIFEST])[MANIFEST]).hexdigest()


def load(folder: Path, *, digest: str | None = None) -> Scorer:
    """Read a model, refusing whatever is not as it was written; with a digest, only that very model."""
    scorer, inputs, raw, probability = _load(folder, digest)
    _reproduce(scorer, inputs, raw, probability, TOLERANCE)
    return scorer


def verify(folder: Path, *, digest: str | None = None) -> Scorer:
    """Read a model and check that its golden rows give their scores again, bit for bit."""
    scorer, inputs, raw, probability = _load(folder, digest)
    _reproduce(scorer, inputs, raw, probability, 0.0)
    return scorer


Floats = NDArray[np.float64]


def _load(folder: Path, digest: str | None) -> tuple[Scorer, Floats, Floats, Floats]:
    listed = _list(folder)
    contents = _read(folder, listed)
    if digest is not None and sha256(contents[MANIFEST]).hexdigest() != digest:
        raise damaged("This is not the model that was asked for", given="another digest", expected=f"digest {digest[:12]}...")
    fingerprint = _check_manifest(contents)
    texts = {name: _text(name, content) for name, content in contents.items()}
    scorer = _scorer(texts)
    if scorer.definition.fingerprint != fingerprint:
        raise damaged(
            "The model was made for other features",
            given=f"definition {scorer.definition.fingerprint[:12]}...",
            expected=f"fingerprint {fingerprint[:12]}...",
        )
    return (scorer, *read_golden(read_json(texts["golden.json"], "golden.json"), scorer.columns))


def _list(folder: Path) -> list[str]:
    """Return the names of a folder that holds exactly a model's files, each a plain file of its own, together small enough."""
    if not folder.is_dir():
        raise damaged("There is no model folder", given=str(folder), expected="a folder with manifest.json")
    total = 0
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if entry.name not in (*FILES, MANIFEST):
                raise damaged(
                    "The model folder holds a file that no model has", given=repr(entry.name)[:80], expected=", ".join(FILES)
                )
            if not stat.S_ISREG(status.st_mode):
                raise damaged(
                    "The model folder holds something that is not a plain file", given=entry.name, expected="plain files"
                )
            if status.st_nlink != 1:
                raise damaged("A file of the model is linked from elsewhere", given=entry.name, expected="files of its own")
            total += status.st_size
            names.append(entry.name)
    if total > MOST_BYTES:
        raise damaged("The model folder is too large", given=f"{total} bytes", expected=f"at most {MOST_BYTES}")
    absent = sorted({*FILES, MANIFEST} - set(names))
    if absent:
        raise damaged("The model folder lacks a file", given=f"no {absent[0]}", expected=", ".join((*FILES, MANIFEST)))
    return sorted(names)


def _read(folder: Path, names: list[str]) -> dict[str, bytes]:
    """Read files without following links, and never more than the limit."""
    contents = {}
    for name in names:
        try:
            handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise damaged("A file of the model cannot be read", given=f"{name}: {error.strerror}", expected="a file") from None
        with os.fdopen(handle, "rb") as file:
            contents[name] = file.read(MOST_BYTES + 1)
    if sum(map(len, contents.values())) > MOST_BYTES:
        raise damaged("The model folder is too large", given="more while reading", expected=f"at most {MOST_BYTES} bytes")
    return contents


def _check_manifest(contents: Mapping[str, bytes]) -> str:
    """Check format and hashes before anything else is parsed, and return the fingerprint that the definition must have."""
    value = read_json(_text(MANIFEST, contents[MANIFEST]), MANIFEST)
    written = value.get("format") if isinstance(value, dict) else None
    if isinstance(written, int) and written > FORMAT:
        raise ModelError(
            "The model was written by a newer Trialwise",
            given=f"format {written}",
            expected=f"format {FORMAT}",
            do="install the newer version",
        )
    fields = Fields(value, MANIFEST, ("kind", "format", "fingerprint", "files"))
    fields.text("kind", (KIND,))
    fields.integer("format", FORMAT, FORMAT)
    hashes = Fields(fields.get("files"), f"files of {MANIFEST}", FILES)
    for name in FILES:
        found = sha256(contents[name]).hexdigest()
        if found != hashes.text(name):
            raise damaged(
                f"{name} was changed after the model was written", given=f"hash {found[:12]}...", expected="its own hash"
            )
    return fields.text("fingerprint")


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise damaged(f"{name} is not text", given="bytes that are not UTF-8", expected="UTF-8") from None


def _scorer(texts: Mapping[str, str]) -> Scorer:
    """Build the Scorer from texts, part by part, each read strictly."""
    try:
        definition = Definition.from_json(texts["definition.json"])
    except InputError as error:
        raise damaged("definition.json is not a definition", given=error.given, expected=error.expected) from None
    fields = Fields(read_json(texts["columns.json"], "columns.json"), "columns.json", ("columns",))
    items = fields.items("columns", 0, MOST_COLUMNS)
    columns = tuple(ColumnSpec.read(item, f"column {i} of columns.json") for i, item in enumerate(items))
    meta = Fields(read_json(texts["meta.json"], "meta.json"), "meta.json", ("name", "horizon_days", "facts"))
    return Scorer(
        definition=definition,
        columns=columns,
        learner=read_learner(read_json(texts["learner.json"], "learner.json"), "learner.json", columns),
        calibrator=Calibrator.from_json(read_json(texts["calibration.json"], "calibration.json"), "calibration.json"),
        reference=Reference.from_json(read_json(texts["reference.json"], "reference.json"), "reference.json"),
        meta=Meta(meta.text("name"), meta.number("horizon_days", 0.0, 3660.0), meta.mapping("facts")),
    )


def _reproduce(scorer: Scorer, inputs: Floats, raw: Floats, probability: Floats, tolerance: float) -> None:
    """Score the golden rows again."""
    for name, found, wanted in (("raw score", scorer.raw(inputs), raw), ("probability", scorer.probability(inputs), probability)):
        off = np.abs(found - wanted) if len(wanted) else np.zeros(1)
        if not np.all(off <= tolerance):
            raise damaged(
                f"The model does not give the {name} that it gave when it was written",
                given=f"a difference of {float(np.max(off)):.3g}",
                expected=f"at most {tolerance:g}",
            )
