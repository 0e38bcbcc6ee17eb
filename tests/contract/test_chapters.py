"""The directions between the chapters, read from the source itself (check 14)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = ("features", "models", "training", "serving")
MAY_IMPORT = {
    "features": {"features"},
    "models": {"features", "models"},
    "training": {"features", "models", "training"},
    "serving": {"features", "models", "serving"},
}
HOMES = {
    "mlflow": {f"models/registry/{name}.py" for name in ("tracking", "registered", "registering", "promoting", "cut_off")},
    "pyspark": {"features/spark.py"},
    "sklearn": {"models/learners.py"},
    "lightgbm": {"models/learners.py"},
}
LONGEST_FILE = 350


def sources() -> list[Path]:
    return [*sorted(path for chapter in CHAPTERS for path in (ROOT / chapter).rglob("*.py")), ROOT / "trialwise.py"]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("path", [p for p in sources() if p.name != "trialwise.py"], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_chapter_imports_only_what_stands_before_it(path: Path) -> None:
    chapter = path.relative_to(ROOT).parts[0]
    for module in imported(path):
        top = module.split(".")[0]
        if top in CHAPTERS:
            assert top in MAY_IMPORT[chapter], f"{path.relative_to(ROOT)} imports {module}"
        if top == "fastapi":
            assert chapter == "serving"


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_is_known_only_at_its_home(library: str) -> None:
    users = {str(path.relative_to(ROOT)) for path in sources() if library in {module.split(".")[0] for module in imported(path)}}
    assert users <= HOMES[library]


def test_no_code_comes_from_data() -> None:
    banned_modules = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
    banned_calls = {"eval", "exec", "__import__", "load_model", "read_pickle"}
    banned_calls |= {"unsafe_load", "unsafe_load_all", "full_load", "full_load_all"}  # YAML that names classes
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not banned_modules & {module.split(".")[0] for module in imported(path)}, path
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            assert name.rpartition(".")[2] not in banned_calls, f"{path}:{node.lineno}"
            assert name not in {"importlib.import_module", "runpy.run_path", "torch.load", "yaml.load"}, f"{path}:{node.lineno}"
            assert "allow_pickle" not in {keyword.arg for keyword in node.keywords}, f"{path}:{node.lineno}"


def test_the_server_loads_no_training_library() -> None:
    heavy = ["training", "sklearn", "lightgbm", "mlflow", "pyspark", "pandas", "multipart", "optuna"]
    code = f"import sys, serving.app, serving.run; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert path.stem not in {"utils", "common", "base", "helpers", "misc"}


@pytest.mark.parametrize("lock", ["requirements.lock", "deploy/demo.lock", "deploy/serve.lock"])
def test_locks_are_hashed_and_name_no_index(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if "://" in line or line.startswith("--")]
    pins = [n for n, line in enumerate(lines) if "==" in line and not line.startswith(("#", " "))]
    assert pins
    assert all("--hash=sha256:" in lines[n + 1] for n in pins)


def test_the_serve_lock_is_slim() -> None:
    text = (ROOT / "deploy/serve.lock").read_text(encoding="utf-8")
    names = {line.split("==")[0] for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))}
    assert not names & {"mlflow", "scikit-learn", "lightgbm", "jinja2", "python-multipart", "pyspark", "matplotlib"}
    assert {"fastapi", "mlflow-skinny", "uvicorn"} <= names
