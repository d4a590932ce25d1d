"""`nxscribe convert`: from dialect to dialect without loss."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from nxscribe.cli._convert_command import convert
from nxscribe.definitions import read_definition, to_xml
from nxscribe.errors import InputError

ESRF_FILE = Path(str(importlib.resources.files("icat_esrf_definitions"))) / "hdf5_cfg.xml"
TOMO = """\
include:
  - common/entry.xml

entry(NXentry):
  energy(NX_FLOAT):
    value: "${energy}"
    unit: keV
"""


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(convert)

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, list(map(str, words)))

    return run


def test_the_other_dialect_goes_to_standard_output(run, tmp_path: Path):
    (tmp_path / "tomo.yaml").write_text(TOMO)
    result = run(tmp_path / "tomo.yaml")
    assert result.exit_code == 0
    (tmp_path / "tomo.xml").write_text(result.stdout)
    assert '<include file="common/entry.xml"/>' in result.stdout
    assert run(tmp_path / "tomo.xml").stdout == TOMO


def test_the_esrfs_own_file_goes_there_and_back(run, tmp_path: Path):
    assert run(ESRF_FILE, "-o", tmp_path / "esrf.yaml").exit_code == 0
    assert run(tmp_path / "esrf.yaml", "-o", tmp_path / "esrf.xml").exit_code == 0
    original, again = read_definition(ESRF_FILE), read_definition(tmp_path / "esrf.xml")
    assert to_xml(again) == to_xml(original)
    assert (tmp_path / "esrf.xml").read_text() == to_xml(original)


def test_warnings_go_apart_from_the_definition(run, tmp_path: Path):
    (tmp_path / "tomo.xml").write_text(
        '<group NX_class="NXentry" groupName="${entry}"><group NX_class="NXCollection" groupName="c"/></group>'
    )
    result = run(tmp_path / "tomo.xml")
    assert "tomo.xml:1:65: warning: 'NXCollection' is not a class of NeXus" in result.stderr
    assert "c(NXCollection):" in result.stdout


@pytest.mark.parametrize(
    ("output", "what"), [("tomo.yaml", "the output is the input"), ("t.json", "no known"), ("no/t.xml", "cannot be")]
)
def test_what_cannot_be_written_is_refused_and_nothing_is_lost(run, tmp_path: Path, output: str, what: str):
    (tmp_path / "tomo.yaml").write_text(TOMO)
    result = run(tmp_path / "tomo.yaml", "-o", tmp_path / output)
    assert isinstance(result.exception, InputError)
    assert what in str(result.exception)
    assert (tmp_path / "tomo.yaml").read_text() == TOMO
