"""Run a notebook of this project on a workspace's champion and write it as one page.

The notebooks are for growth teams: they hold text, pictures and calls of ``open_workspace`` only. What a reader may set stands in
the cell tagged ``parameters``; this module replaces its values and leaves the rest as it is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from features.errors import InputError, OutsideError
from features.names import nearest
from features.workspace import load_workspace
from models.champion import need_champion

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SECONDS_PER_CELL = 600


def run_notebook(name: str, workspace: Path, out: Path, *, lead_id: str | None = None) -> Path:
    """Execute ``notebooks/<name>.ipynb`` on a workspace and write the page, without its code, as HTML.

    Raises
    ------
    InputError
        No notebook or workspace file of that name, or no champion to run it on.
    OutsideError
        A cell failed; the sentence quotes its last line.
    """
    known = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    if name not in known:
        close = nearest(name, known)
        raise InputError(
            "no such notebook", given=name, expected=" or ".join(known), do=f"try {close}" if close else "name one of them"
        )
    if not workspace.is_file():
        raise InputError("the workspace file is missing", given=str(workspace), expected="a YAML file", do="check the path")
    need_champion(load_workspace(workspace).name)
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    read: Any = nbformat.read
    book = read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    set_parameters(book, {"WORKSPACE": str(workspace.resolve()), "LEAD": lead_id})
    where = {"metadata": {"path": str(Path.cwd())}}
    with tempfile.TemporaryDirectory() as sockets:
        # Sockets of the file system: nothing that a notebook says crosses the network.
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
        client = NotebookClient(book, kernel_name="python3", timeout=SECONDS_PER_CELL, resources=where, config=config)
        try:
            client.execute()
        except CellExecutionError as error:
            last = str(error).strip().splitlines()[-1]
            raise OutsideError(
                "a cell of the notebook failed", given=last, expected="cells that run", do="check the parameters, and the data"
            ) from error
    exporter: Any = HTMLExporter
    page, _ = exporter(exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True).from_notebook_node(book)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    return out


def set_parameters(book: Any, values: dict[str, str | None]) -> None:
    """Replace the assignments of the cell tagged ``parameters``, keeping the lines that are not named."""
    for cell in book["cells"]:
        if "parameters" not in cell["metadata"].get("tags", []):
            continue
        lines = []
        for line in cell["source"].splitlines():
            target = line.split("=")[0].strip()
            given = values.get(target)
            lines.append(f"{target} = {given!r}" if given is not None else line)
        cell["source"] = "\n".join(lines)
