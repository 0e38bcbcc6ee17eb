"""The model folder: the same bytes for the same model, and nothing read that was not written (check 15)."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models import artifact
from models.artifact import FILES, MANIFEST, folder_digest, load, save, verify
from models.errors import ModelError
from models.scorer import Scorer
from models.strict import write_json
from tests.models.conftest import KINDS

Floats = NDArray[np.float64]
COMPILED = os.environ.get("NUMBA_DISABLE_JIT") != "1"


@pytest.fixture
def folder(scorer: Scorer, tmp_path: Path) -> Path:
    save(scorer, tmp_path / "model")
    return tmp_path / "model"


def rehash(folder: Path) -> None:
    """Make the hashes right again over changed content, as an attacker would."""
    manifest = json.loads((folder / MANIFEST).read_text())
    for name in FILES:
        manifest["files"][name] = sha256((folder / name).read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(write_json(manifest))


def edit(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change the content of one file, hashes included."""
    value = json.loads((folder / name).read_text())
    change(value)
    (folder / name).write_text(json.dumps(value))
    rehash(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_comes_back_bit_for_bit(kind: str, scorers: dict[str, Scorer], tmp_path: Path, x: Floats) -> None:
    scorer = scorers[kind]
    digest = save(scorer, tmp_path / "a")
    assert digest == folder_digest(tmp_path / "a") == sha256((tmp_path / "a" / MANIFEST).read_bytes()).hexdigest()
    again = verify(tmp_path / "a", digest=digest)
    assert np.array_equal(again.probability(x), scorer.probability(x))
    assert np.array_equal(again.explain(x[:9]).points, scorer.explain(x[:9]).points)
    assert again.base == scorer.base
    assert again.columns == scorer.columns
    assert again.meta == scorer.meta
    assert save(again, tmp_path / "b") == digest
    for name in (*FILES, MANIFEST):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_folder_is_text_without_names_of_places(folder: Path) -> None:
    for path in folder.iterdir():
        text = path.read_bytes().decode("utf-8")
        assert str(folder) not in text
        assert "models." not in text
    assert sorted(path.name for path in folder.iterdir()) == sorted((*FILES, MANIFEST))


def test_golden_rows_are_invented(folder: Path, scorer: Scorer, x: Floats) -> None:
    golden = json.loads((folder / "golden.json").read_text())
    rows = np.array([[np.nan if n is None else n for n in row] for row in golden["inputs"]])
    assert not any(np.array_equal(row, one, equal_nan=True) for row in rows for one in x)
    assert np.isnan(rows[0]).all()
    assert np.array_equal(scorer.clip(rows), rows, equal_nan=True)
    assert len(set(golden["probability"])) > 30


def test_a_folder_in_use_is_not_overwritten(folder: Path, scorer: Scorer) -> None:
    with pytest.raises(ModelError, match="not empty"):
        save(scorer, folder)


def test_only_the_asked_digest_is_loaded(folder: Path) -> None:
    assert load(folder, digest=folder_digest(folder))
    with pytest.raises(ModelError, match="not the model that was asked for"):
        load(folder, digest="0" * 64)


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name.replace('.', '[.]')} was changed after"):
        load(folder)


def sparse(folder: Path) -> None:
    with (folder / "meta.json").open("r+b") as file:
        file.truncate(10 * 2**30)


def swap(folder: Path) -> None:
    a, b = folder / "columns.json", folder / "golden.json"
    a.rename(folder / "c")
    b.rename(a)
    (folder / "c").rename(b)


def linked(folder: Path) -> None:
    (folder.parent / "other.json").write_bytes((folder / "meta.json").read_bytes())
    (folder / "meta.json").unlink()
    (folder / "meta.json").symlink_to(folder.parent / "other.json")


def hard_linked(folder: Path) -> None:
    os.link(folder / "meta.json", folder.parent / "other.json")


def fifo(folder: Path) -> None:
    (folder / "meta.json").unlink()
    os.mkfifo(folder / "meta.json")


def inner(folder: Path) -> None:
    (folder / "meta.json").unlink()
    (folder / "meta.json").mkdir()


def not_text(folder: Path) -> None:
    (folder / "meta.json").write_bytes(b"\xff\xfe")
    rehash(folder)


def manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        value = json.loads((folder / MANIFEST).read_text())
        change(value)
        (folder / MANIFEST).write_text(write_json(value))

    return apply


def content(name: str, change: Callable[[Any], object]) -> Callable[[Path], None]:
    return lambda folder: edit(folder, name, change)


def text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        before = (folder / name).read_text()
        assert old in before
        (folder / name).write_text(before.replace(old, new, 1))
        rehash(folder)

    return apply


def golden(key: str, row: int, value: object) -> Callable[[Path], None]:
    return content("golden.json", lambda golden: golden[key].__setitem__(row, value))


def trees(value: Any) -> Any:
    return value["learners"][1]["trees"]


ATTACKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (lambda folder: folder.rename(folder.parent / "gone"), "no model folder"),
    "a file missing": (lambda folder: (folder / "golden.json").unlink(), "lacks a file: given no golden.json"),
    "no manifest": (lambda folder: (folder / MANIFEST).unlink(), "lacks a file: given no manifest.json"),
    "a pickle beside": (lambda folder: (folder / "model.pkl").write_bytes(b"\x80\x04."), "a file that no model has"),
    "a symlink": (linked, "not a plain file"),
    "a hard link": (hard_linked, "linked from elsewhere"),
    "a pipe": (fifo, "not a plain file"),
    "a folder for a file": (inner, "not a plain file"),
    "a sparse file of 10 GB": (sparse, "too large"),
    "two files swapped": (swap, "was changed after"),
    "bytes for text": (not_text, "is not text"),
    "a newer format": (manifest(lambda m: m.update(format=2)), "newer Trialwise.*do|newer Trialwise"),
    "an older format": (manifest(lambda m: m.update(format=0)), "wrong format"),
    "another kind": (manifest(lambda m: m.update(kind="onnx")), "wrong kind"),
    "a path in the manifest": (manifest(lambda m: m["files"].update({"../../etc/passwd": "0"})), "unknown key"),
    "an absolute path": (manifest(lambda m: m["files"].update({"/etc/passwd": "0"})), "unknown key"),
    "a hash missing": (manifest(lambda m: m["files"].pop("meta.json")), "lacks a key"),
    "an unknown key of the manifest": (manifest(lambda m: m.update(loader="os.system")), "unknown key"),
    "a list for a manifest": (lambda folder: (folder / MANIFEST).write_text("[]"), "is not an object"),
    "the fingerprint of other features": (manifest(lambda m: m.update(fingerprint="0" * 64)), "made for other features"),
    "a duplicate key": (text("meta.json", '{"facts"', '{"name":"x","facts"'), "a key twice"),
    "not a number": (text("calibration.json", '"shift":0.0', '"shift":NaN'), "not finite"),
    "an infinite threshold": (text("learner.json", '"threshold":[', '"threshold":[1e999,'), "not finite"),
    "a cycle in a tree": (content("learner.json", lambda v: trees(v)[0]["left"].__setitem__(1, 0)), "runs in a cycle"),
    "a bad index": (content("learner.json", lambda v: trees(v)[0]["column"].__setitem__(0, 9999)), "wrong column"),
    "a million trees": (content("learner.json", lambda v: v["learners"][1].update(trees=[0] * 1_000_000)), "number of trees"),
    "a falling calibration": (content("calibration.json", lambda v: v.update(slopes=[-1.0, 1.0])), "a rising curve"),
    "columns in another order": (content("columns.json", lambda v: v["columns"].reverse()), "kind|order|wrong"),
    "a column of nobody": (content("columns.json", lambda v: v["columns"][0].update(name="x")), "not the feature of that name"),
    "another definition": (text("definition.json", '"timezone":"UTC"', '"timezone":"Asia/Tokyo"'), "other features"),
    "a definition with more": (text("definition.json", '"timezone"', '"zone":1,"timezone"'), "not a definition"),
    "a probability that does not come out": (golden("probability", 3, 0.123), "probability that it gave"),
    "a raw score that does not come out": (golden("raw", 3, 9.0), "raw score that it gave"),
    "golden rows too narrow": (golden("inputs", 0, [1.0]), "a wrong row"),
    "no golden rows": (content("golden.json", lambda v: v.update(inputs=[], raw=[], probability=[])), "wrong inputs"),
    "calibrators exchanged": (content("calibration.json", lambda v: v.update(intercept=v["intercept"] + 1e-6)), "that it gave"),
    "a value of a tree": (content("learner.json", lambda v: trees(v)[2]["value"].__setitem__(0, 5.0)), "that it gave"),
    "a horizon of a century": (content("meta.json", lambda v: v.update(horizon_days=36_500.0)), "wrong horizon_days"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_a_forged_folder_is_refused_in_its_own_words(name: str, folder: Path) -> None:
    attack, message = ATTACKS[name]
    load(folder)  # it was good before, and all that has to be compiled is
    attack(folder)
    begin = time.process_time()
    with pytest.raises(ModelError, match=message) as refusal:
        load(folder)
    assert not COMPILED or time.process_time() - begin <= 1
    assert refusal.value.exit_code == 2
    assert len(str(refusal.value)) < 600


def test_a_file_that_grows_or_turns_into_a_link_while_it_is_read_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact, "_list", lambda _: [*FILES, MANIFEST])
    monkeypatch.setattr(artifact, "MOST_BYTES", 1_000)
    with pytest.raises(ModelError, match="more while reading"):
        load(folder)
    linked(folder)
    with pytest.raises(ModelError, match="cannot be read"):
        load(folder)


def test_a_golden_score_off_by_the_last_bit_is_loaded_but_not_verified(folder: Path) -> None:
    edit(folder, "golden.json", lambda v: v["probability"].__setitem__(5, float(np.nextafter(v["probability"][5], 1))))
    assert load(folder)
    with pytest.raises(ModelError, match="difference of"):
        verify(folder)


def test_random_damage_is_refused_or_harmless(folder: Path, scorer: Scorer, x: Floats, tmp_path: Path) -> None:
    """Right hashes over content with cut, doubled or changed bytes: an error in words, or a model that proves itself."""
    draw = random.Random(20_250_607)
    originals = {name: (folder / name).read_bytes() for name in FILES}
    survived = 0
    for _ in range(80):
        name = draw.choice(FILES)
        damaged = bytearray(originals[name])
        place = draw.randrange(len(damaged))
        kind = draw.choice(("flip", "cut", "truncate", "insert", "empty"))
        if kind == "flip":
            damaged[place] = draw.randrange(256)
        elif kind == "cut":
            del damaged[place : place + draw.randrange(1, 40)]
        elif kind == "insert":
            damaged[place:place] = bytes([draw.choice(b'0123456789.,-"[]{}e')])
        else:
            del damaged[0 if kind == "empty" else place :]
        (folder / name).write_bytes(damaged)
        rehash(folder)
        try:
            probability = load(folder).probability(x[:50])
        except ModelError:
            pass
        else:
            survived += 1
            assert np.isfinite(probability).all()
        (folder / name).write_bytes(originals[name])
    assert survived < 50
    rehash(folder)
    assert np.array_equal(verify(folder).probability(x), scorer.probability(x))


def test_a_model_without_columns_is_a_model(scorers: dict[str, Scorer], tmp_path: Path) -> None:
    save(replace(scorers["base_rate"], columns=()), tmp_path / "model")
    assert verify(tmp_path / "model").probability(np.empty((2, 0))).tolist() == pytest.approx([0.3, 0.3])
