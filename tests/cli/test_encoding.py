"""Locales that are no UTF-8: every command prints, and files have the names that the answers tell."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <title>${sampleName} Ω Prüfung</title>
  <gap NAPItype="NX_FLOAT" units="µm">${Spalt_größe}</gap>
</group>
"""
CONFIG = "beamline: id16a\ndata_root: .\ntechniques: {tomo: {definition: tomo.xml}}\nparameters: ['Spalt_größe']\n"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture(scope="module")
def latin(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of somebody whose locale is ISO 8859-1."""
    folder = tmp_path_factory.mktemp("locales")
    made = subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(folder / "en_US.ISO-8859-1")],
        capture_output=True,
        check=False,
    )
    if not (folder / "en_US.ISO-8859-1").exists():
        pytest.skip(f"this machine cannot make a locale: {made.stderr!r}")
    return {"LOCPATH": str(folder), "LC_ALL": "en_US.ISO-8859-1"}


@pytest.fixture
def beamline(tmp_path: Path) -> Path:
    (tmp_path / "tomo.xml").write_text(DEFINITION, "utf-8")
    (tmp_path / "id16a.yaml").write_text(CONFIG, "utf-8")
    return tmp_path


def run(folder: Path, environment: Mapping[str, str], *words: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "nxscribe", *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@pytest.mark.parametrize(
    "environment", [ASCII, {"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0"}], ids=["C", "io", "no UTF-8 mode"]
)
def test_a_pipe_gets_utf8(beamline: Path, environment: Mapping[str, str]) -> None:
    told = run(beamline, environment, "preview", "id16a.yaml").decode()
    assert "├ title" in told
    assert "Spalt_größe ← set by the control system" in told


def test_a_pipe_gets_utf8_where_the_locale_is_latin_1(beamline: Path, latin: Mapping[str, str]) -> None:
    assert "├ title" in run(beamline, latin, "preview", "id16a.yaml").decode()
    assert b"0 errors" not in run(beamline, latin, "check", "id16a.yaml", "--strict")


def test_what_an_encoding_lacks_is_drawn_in_ascii(beamline: Path) -> None:
    told = run(beamline, {"PYTHONIOENCODING": "latin-1"}, "preview", "id16a.yaml").decode("latin-1")
    assert "| title" in told
    assert "Spalt_größe <- set by the control system" in told
    assert r"${sampleName} \u03a9 Prüfung" in told


def test_a_terminal_gets_its_own_encoding(beamline: Path, latin: Mapping[str, str]) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "nxscribe", "preview", "id16a.yaml"],
        cwd=beamline,
        env={**os.environ, **latin, "COLUMNS": "120"},
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=True,
    )
    os.close(theirs)
    told = os.read(ours, 100_000).decode("latin-1")
    os.close(ours)
    assert "Spalt_größe" in told, done.stderr
    assert "| " in told


def test_a_file_has_the_name_that_was_typed(beamline: Path, latin: Mapping[str, str]) -> None:
    run(beamline, latin, "convert", "tomo.xml", "--output", "épreuve-Ω.yaml")
    assert "Spalt_größe" in Path(beamline / "épreuve-Ω.yaml").read_text("utf-8")
