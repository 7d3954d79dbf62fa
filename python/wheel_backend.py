"""Builds the wheel of pqr_lakehouse, with libpqr.so and the program pqr in it (PEP 517; nothing to install first, nothing left in the tree).

The library is the one that PQR_LIB names, and the program the one beside it; else what CMake makes of the repository this folder stands
in: in its folder build, where that is configured, else in a temporary one.
"""

import base64
import hashlib
import os
import pathlib
import shutil
import subprocess
import sysconfig
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
NAME, VERSION = "pqr_lakehouse", "0.1.0"
EXTRAS = {"dask": "dask[dataframe,distributed]>=2026.8", "spark": "pyspark>=4.1", "prefect": "prefect>=3.9,<4", "airflow": "apache-airflow>=2.10,<4"}
METADATA = f"""Metadata-Version: 2.1
Name: {NAME}
Version: {VERSION}
Summary: Tables of a PQR lakehouse as Arrow streams, through libpqr.so
License: Apache-2.0
Requires-Python: >=3.9
{"".join(f"Provides-Extra: {extra}{chr(10)}Requires-Dist: {what}; extra == {chr(34)}{extra}{chr(34)}{chr(10)}" for extra, what in EXTRAS.items())}Description-Content-Type: text/markdown

"""


class UnsupportedOperation(Exception):
    """What a front end may ask for and this package has not."""


def run(*command):
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command[:3]))} failed: on Debian, `make deps` in {ROOT} installs what the library needs")


def binaries(scratch):
    """libpqr.so and pqr, without debug information, by their names in the wheel."""
    if os.environ.get("PQR_LIB"):
        place = pathlib.Path(os.environ["PQR_LIB"]).parent
    else:
        if not shutil.which("cmake"):
            raise SystemExit(f"no cmake here: `make deps` in {ROOT} installs what the library needs, or name a libpqr.so in PQR_LIB")
        place = ROOT / "build"
        if not (place / "build.ninja").exists():
            place = scratch / "build"
            run("cmake", "--preset", "release", "-B", place, "-DPQR_TESTS=OFF")
        run("cmake", "--build", place, "--target", "pqr_shared", "pqr")
    found = {f"{NAME}/libpqr.so": pathlib.Path(os.environ.get("PQR_LIB") or place / "libpqr.so"), f"{NAME}-{VERSION}.data/scripts/pqr": place / "pqr"}
    made = {}
    for name, binary in found.items():
        if name.endswith("/pqr") and not binary.exists():
            continue  # a library that was named by itself
        plain = scratch / binary.name
        if shutil.which("strip"):
            run("strip", "--strip-debug", "-o", plain, binary)
        else:
            shutil.copyfile(binary, plain)
        made[name] = plain.read_bytes()
    return made


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    del config_settings, metadata_directory
    tag = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
    info = f"{NAME}-{VERSION}.dist-info"
    with tempfile.TemporaryDirectory() as scratch:
        files = binaries(pathlib.Path(scratch))
    for source in sorted([*(HERE / NAME).glob("*.py"), HERE / NAME / "py.typed"]):
        files[f"{NAME}/{source.name}"] = source.read_bytes()
    files[f"{info}/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files[f"{info}/METADATA"] = METADATA.encode() + (HERE / "README.md").read_bytes()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: {NAME}\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    record = "".join(f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    wheel = f"{NAME}-{VERSION}-{tag}.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.external_attr = (0o100755 if name.endswith((".so", "/pqr")) else 0o100644) << 16  # pip asks whether it is a regular file
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    raise UnsupportedOperation("the library is built from the whole repository: make a wheel of it")
