"""examples/*.ipynb: each runs from its first cell to its last, on the program that was built; what is committed has no output."""

import os

import pytest
from conftest import PQR, ROOT, VOLUME

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def executed(path, folder, monkeypatch):
    """What the cells say, as texts."""
    for name, value in {"PQR_PROGRAM": PQR, "PQR_LIB": PQR.parent / "libpqr.so", "PQR_EXAMPLES_DIR": folder, "IPYTHONDIR": folder / ".ipython", "JUPYTER_RUNTIME_DIR": folder / ".jupyter",
                        "PYTHONDONTWRITEBYTECODE": "1"}.items():
        monkeypatch.setenv(name, str(value))
    (folder / ".ipython").mkdir(exist_ok=True)
    book = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    assert [name for name in os.listdir(folder) if not name.startswith(".")] == [], "it leaves its lake behind"
    said = [output.get("text") or output["data"]["text/plain"] for cell in book.cells for output in cell.get("outputs", [])]
    assert all(output["output_type"] != "error" for cell in book.cells for output in cell.get("outputs", []))
    return said


def test_there_are_four():
    assert [path.stem for path in NOTEBOOKS] == ["1_layers", "2_time_travel_and_lineage", "3_sla_by_hand", "4_stream_beside_batch"]
    for engine in ("polars", "duckdb", "pandas"):
        assert all(f"import {engine}" in path.read_text() for path in NOTEBOOKS if (engine, path.stem) != ("duckdb", "3_sla_by_hand"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_of_a_run_is_kept(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert code and all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert sum("assert" in cell.source for cell in code) >= 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, tmp_path, monkeypatch):
    said = executed(path, tmp_path, monkeypatch)
    assert len(said) >= 4
    if VOLUME:  # --long: twice, and it says the same
        assert executed(path, tmp_path, monkeypatch) == said
