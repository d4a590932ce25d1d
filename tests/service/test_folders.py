"""Detectors that tell nobody of their files: what the config says of them, and where a scan's files are looked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nxscribe.errors import InputError
from nxscribe.model import RawSearch
from nxscribe.records import ScanIdentity
from nxscribe.service.config import load_config

SCAN = ScanIdentity("id16a", "ma2210", "bone", "scan0001", "tomo")


def config_with(tmp_path: Path, detector: str):
    (tmp_path / "id16a.yaml").write_text(
        f"beamline: id16a\ndata_root: data\ntechniques: {{tomo: {{definition: tomo.xml}}}}\n"
        f"detectors:\n  eiger: {{{detector}, group: /instrument/detector01}}\n"
    )
    return load_config(tmp_path / "id16a.yaml")


def test_a_pattern_is_filled_with_the_scans_names_below_the_data_root(tmp_path: Path) -> None:
    config = config_with(tmp_path, 'files: "{proposal}/raw/{scan}/{scan}_*_master.h5", dataset: entry/data/data')
    search = config.folders["eiger"].search(SCAN, config.data_root)
    directory = str(tmp_path / "data/ma2210/raw/scan0001")
    assert search == RawSearch("eiger", directory, "scan0001_*_master.h5", "entry/data/data")
    assert config.groups == {"eiger": "instrument/detector01"}
    assert config.detectors == {}


def test_a_watched_folder_may_be_anywhere_and_is_that_of_many_scans(tmp_path: Path) -> None:
    config = config_with(tmp_path, "watch: /buffer/pilatus/*.cbf")
    search = config.folders["eiger"].search(SCAN, config.data_root)
    assert search == RawSearch("eiger", "/buffer/pilatus", "*.cbf", during=True)


def test_a_scans_name_is_taken_literally(tmp_path: Path) -> None:
    config = config_with(tmp_path, 'files: "{scan}*.h5"')
    search = config.folders["eiger"].search(replace(SCAN, scan="a[1]"), config.data_root)
    assert search.pattern == "a[[]1]*.h5"


def test_a_detector_is_looked_for_in_its_techniques_alone(tmp_path: Path) -> None:
    config = config_with(tmp_path, 'files: "*.h5", techniques: [tomo]')
    assert len(config.searches(SCAN)) == 1
    assert config.searches(replace(SCAN, technique="holo")) == ()


@pytest.mark.parametrize(
    ("detector", "why"),
    [
        ("watch: /buffer/*.cbf, files: x.h5", "at most one of device, files, watch; here are files and watch"),
        ("techniques: [tomo]", "goes with `files` or `watch`"),
        ('files: "{who}/*.h5"', "unknown part {who}"),
        ('files: "raw*/x.h5"', "in its folder"),
        ('files: "../*.h5"', "has the part `..`"),
        ('files: "raw/"', "names no files"),
        ('files: "*.h5", techniques: [tomography]', "technique 'tomography', which is not there"),
        ("device: a/b/c, techniques: [tomo]", "goes with `files` or `watch`"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(detector: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        config_with(tmp_path, detector)
    assert why in str(refused.value)
