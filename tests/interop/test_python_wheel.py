"""`pip install ./python` as the README has it: a wheel with the library inside, that works away from the repository."""

import os
import pathlib
import re
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PQR_BUILD", ROOT / "build"))
PQR = BUILD / "pqr"

pytestmark = pytest.mark.skipif(not (BUILD / "libpqr.so").exists(), reason=f"{BUILD}/libpqr.so is not built")


def clean():
    """The environment of somebody who never heard of PQR_LIB."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PQR_", "PYTHON", "LD_LIBRARY"))}


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python of its own with the package; polars comes from the tests' environment."""
    pytest.importorskip("polars", reason="polars is not installed")
    place = tmp_path_factory.mktemp("venv") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    packages, = (place / "lib").glob("python*/site-packages")
    ours, = {pathlib.Path(p) for p in sys.path if p.endswith("site-packages")}
    (packages / "tests.pth").write_text(f"{ours}\n")
    before = set(ROOT.joinpath("python").rglob("*"))
    pip = [sys.executable, "-m", "pip", "--python", place / "bin/python", "install", "--no-index", "--no-deps", "--quiet", ROOT / "python"]
    subprocess.run(pip, check=True, env={**clean(), "PYTHONDONTWRITEBYTECODE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    assert set(ROOT.joinpath("python").rglob("*")) == before, "pip left something in the tree"
    return place / "bin/python"


def test_the_lines_of_the_readme(python, tmp_path):
    small = ["--from", "2026-01-05", "--to", "2026-01-07", "--volume", "20", "--quiet"]
    subprocess.run([PQR, "run", *small], cwd=tmp_path, check=True, env=clean() | {"PQR_SIMULATION_SPIKE_ENABLED": "false"}, stdout=subprocess.DEVNULL)
    block, = [b for b in re.findall(r"^```\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S) if "from pqr_lakehouse" in b]
    run = subprocess.run([python, "-c", block], cwd=tmp_path, check=True, env=clean(), capture_output=True, text=True)
    assert re.search(r"pqrs_type ┆ len.*│ P +┆ \d+ ", run.stdout, re.S), run.stdout


def test_the_library_is_the_one_inside(python, tmp_path):
    program = "import pqr_lakehouse._library as l; print(l.__file__, l.library._name, sep='\\n')"
    run = subprocess.run([python, "-c", program], cwd=tmp_path, check=True, env=clean(), capture_output=True, text=True)
    module, library = map(pathlib.Path, run.stdout.split())
    assert library == module.parent / "libpqr.so" and str(python.parents[1]) in str(module)


def test_the_program_comes_with_it(python, tmp_path):
    """`pqr` stands beside that Python, and the adapters find it there."""
    found = subprocess.run([python, "-c", "from pqr_lakehouse import _program; print(_program.find())"], cwd=tmp_path, check=True, env=clean(), capture_output=True, text=True).stdout.strip()
    assert found == str(python.parent / "pqr")
    assert subprocess.run([found, "--version"], check=True, capture_output=True, text=True).stdout == subprocess.run([PQR, "--version"], check=True, capture_output=True, text=True).stdout


def test_extras(python):
    from importlib.metadata import distributions

    packages, = (python.parents[1] / "lib").glob("python*/site-packages")
    ours, = [d for d in distributions(path=[str(packages)]) if d.metadata["Name"] == "pqr_lakehouse"]
    assert {"prefect", "airflow"} <= set(ours.metadata.get_all("Provides-Extra"))
    assert any(r.startswith("apache-airflow>=") and 'extra == "airflow"' in r for r in ours.requires)


def test_the_record_names_every_file(python, tmp_path):
    sys.path.insert(0, str(ROOT / "python"))
    try:
        import wheel_backend
    finally:
        sys.path.pop(0)
    os.environ["PQR_LIB"], before = str(BUILD / "libpqr.so"), os.environ.get("PQR_LIB")
    try:
        name = wheel_backend.build_wheel(str(tmp_path))
    finally:
        del os.environ["PQR_LIB"]
        if before is not None:
            os.environ["PQR_LIB"] = before
    assert re.fullmatch(r"pqr_lakehouse-[0-9.]+-py3-none-linux_\w+\.whl", name)
    with zipfile.ZipFile(tmp_path / name) as wheel:
        record = wheel.read(next(n for n in wheel.namelist() if n.endswith("RECORD"))).decode()
        assert {line.split(",")[0] for line in record.splitlines()} == set(wheel.namelist())
        assert wheel_backend.VERSION in (ROOT / "CMakeLists.txt").read_text()
