"""The set-up of the Makefile: by any pip, from the lock as it is, whatever was released since."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
UV_LOCK = TOP / "requirements" / "uv.lock"
LOCKS = sorted((TOP / "requirements").glob("*.lock"))
NO_NETWORK = ("Temporary failure in name resolution", "Connection refused", "Network is unreachable", "ConnectTimeout")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_each_locked_package_has_one_version_and_hashes_and_no_registry_is_named(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(
        r"^([\w.-]+)(\[[\w,-]+\])?(\S+)((?: ; .*)?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
        text,
        re.MULTILINE,
    )
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert len(pins) == len(lines)
    assert all(pinned.startswith("==") for _, _, pinned, _, _ in pins)
    assert "://" not in text


def pip_of_the_makefile() -> str:
    """The words with which the Makefile has pip install uv."""
    recipe = subprocess.run(
        ["make", "--always-make", "--dry-run", ".uv/bin/uv", "BASE_PYTHON=python"],
        cwd=TOP, capture_output=True, text=True, check=True, env=_plain(),
    ).stdout.replace("\\\n", " ")  # fmt: skip
    (found,) = re.findall(r"-m pip (install .*) -r requirements/uv\.lock", recipe)
    return found


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}


@pytest.mark.long
@pytest.mark.parametrize("pip", ["23.0.1", "24.0"])  # of Debian 12, and of Ubuntu 24.04
def test_an_old_pip_installs_uv(pip: str, tmp_path: Path) -> None:
    fetched = subprocess.run(
        [_uv(), "pip", "install", "--quiet", "--python", sys.executable, "--target", tmp_path / "pip", f"pip=={pip}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if fetched.returncode:
        pytest.skip(f"pip {pip} cannot be had: {fetched.stderr}")
    words = pip_of_the_makefile().replace(".uv", str(tmp_path / "uv")).split()
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "-r", UV_LOCK],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(tmp_path / "pip")},
    )  # fmt: skip
    if any(sign in done.stderr for sign in NO_NETWORK):
        pytest.skip(f"the registry cannot be reached: {done.stderr}")
    assert done.returncode == 0, done.stderr
    told = subprocess.run(
        [tmp_path / "uv" / "bin" / "uv", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert f"uv=={told.split()[1]} " in UV_LOCK.read_text()


def _uv() -> str:
    own = TOP / ".uv" / "bin" / "uv"
    return str(own) if own.exists() else "uv"


def _tiny_wheel(folder: Path, version: str) -> str:
    """A package that holds nothing, with an extra that wants nothing; its checksum."""
    path = folder / f"tiny-{version}-py3-none-any.whl"
    about = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\nProvides-Extra: more\n"
        )
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", f"{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")
    return sha256(path.read_bytes()).hexdigest()


def test_a_release_that_is_newer_than_the_lock_changes_nothing(tmp_path: Path) -> None:
    """An extra that the lock does not name is no matter, either: older pips stumble over the two together."""
    (tmp_path / "index").mkdir()
    checksum = _tiny_wheel(tmp_path / "index", "1.0")
    _tiny_wheel(tmp_path / "index", "2.0")
    lock = tmp_path / "one.lock"
    lock.write_text(f"tiny==1.0 \\\n    --hash=sha256:{checksum}\n")
    subprocess.run([_uv(), "venv", "--quiet", "--offline", "--python", sys.executable, tmp_path / "venv"], check=True)
    sync = "pip sync --quiet --require-hashes"
    assert sync in (TOP / "Makefile").read_text()
    where = ["--no-index", "--find-links", tmp_path / "index", "--python", tmp_path / "venv"]
    subprocess.run([_uv(), *sync.split(), *where, lock], check=True)
    assert [path.name for path in (tmp_path / "venv").glob("lib/python*/site-packages/tiny*")] == ["tiny-1.0.dist-info"]


@pytest.mark.long
def test_the_wheel_alone_does_the_whole_main_job(tmp_path: Path) -> None:
    """With its own dependencies, in the versions of the lock, and nothing else."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=TOP, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert {"nxscribe/share/configs/sim.yaml", "nxscribe/share/definitions/tomo.xml"} <= set(archive.namelist())
    subprocess.run([_uv(), "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"], check=True)
    plain = "".join(f"{name}=={version(name)}\n" for name in _locked())
    (tmp_path / "versions.txt").write_text(plain)
    installed = subprocess.run(
        [_uv(), "pip", "install", "--quiet", "--python", tmp_path / "venv", "-c", tmp_path / "versions.txt", wheel],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if installed.returncode and "error sending request" in installed.stderr:
        pytest.skip(f"the registry cannot be reached: {installed.stderr}")
    assert installed.returncode == 0, installed.stderr

    def nxscribe(*words: str) -> str:
        environment = {**os.environ, "PATH": "/usr/bin:/bin"}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            [tmp_path / "venv" / "bin" / "nxscribe", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    nxscribe("demo", "--technique", "tomo", "--technique", "holo")
    master = "nxscribe-demo/data/ma2210/sim/ma2210-sim.h5"
    (raw,) = (tmp_path / "nxscribe-demo/data/ma2210/sim/phantom/tomo_0001").glob("*.h5")
    subprocess.run([tmp_path / "venv" / "bin" / "python", "-c", COMPRESS, raw], check=True)
    nxscribe("regenerate", "nxscribe-demo/configs/sim.yaml", "--all")
    assert "2 good" in nxscribe("fsck", "nxscribe-demo/configs/sim.yaml")
    nxscribe("validate", master, "--own-only")
    assert "2 entries" in nxscribe("pack", master, "packed.h5")


def _locked() -> list[str]:
    names = re.findall(r"^([\w.-]+)==", (TOP / "requirements" / "dev.lock").read_text(), re.MULTILINE)
    return [name for name in names if _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except ModuleNotFoundError:
        return False
    return True


COMPRESS = """
import sys, h5py, hdf5plugin
with h5py.File(sys.argv[1], "r+") as file:
    frames = file["entry_0000/measurement/data"][()]
    attributes = dict(file["entry_0000/measurement/data"].attrs)
    del file["entry_0000/measurement/data"]
    again = file.create_dataset(
        "entry_0000/measurement/data", data=frames, chunks=(1, *frames.shape[1:]), compression=hdf5plugin.LZ4()
    )
    again.attrs.update(attributes)
"""
