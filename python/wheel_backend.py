"""Builds the wheel of pqr_lakehouse, with libpqr.so in it (PEP 517; nothing to install first, nothing left in the tree).

The library is the one that PQR_LIB names, else what CMake makes of the repository this folder stands in: in its folder build,
where that is configured, else in a temporary one.
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
METADATA = f"""Metadata-Version: 2.1
Name: {NAME}
Version: {VERSION}
Summary: Tables of a PQR lakehouse as Arrow streams, through libpqr.so
License: Apache-2.0
Requires-Python: >=3.9
Provides-Extra: dask
Requires-Dist: distributed>=2026.8; extra == "dask"
Provides-Extra: spark
Requires-Dist: pyspark>=4.1; extra == "spark"
Description-Content-Type: text/markdown

"""


class UnsupportedOperation(Exception):
    """What a front end may ask for and this package has not."""


def run(*command):
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command[:3]))} failed: on Debian, `make deps` in {ROOT} installs what the library needs")


def library(scratch):
    """The bytes of libpqr.so, without debug information."""
    if os.environ.get("PQR_LIB"):
        made = pathlib.Path(os.environ["PQR_LIB"])
    else:
        if not shutil.which("cmake"):
            raise SystemExit(f"no cmake here: `make deps` in {ROOT} installs what the library needs, or name a libpqr.so in PQR_LIB")
        build = ROOT / "build"
        if not (build / "build.ninja").exists():
            build = scratch / "build"
            run("cmake", "--preset", "release", "-B", build, "-DPQR_TESTS=OFF")
        run("cmake", "--build", build, "--target", "pqr_shared")
        made = build / "libpqr.so"
    plain = scratch / "libpqr.so"
    if shutil.which("strip"):
        run("strip", "--strip-debug", "-o", plain, made)
    else:
        shutil.copyfile(made, plain)
    return plain.read_bytes()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    del config_settings, metadata_directory
    tag = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
    info = f"{NAME}-{VERSION}.dist-info"
    with tempfile.TemporaryDirectory() as scratch:
        files = {f"{NAME}/libpqr.so": library(pathlib.Path(scratch))}
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
            member.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    raise UnsupportedOperation("the library is built from the whole repository: make a wheel of it")
