"""Frames chosen by a definition, values per frame that it spells out, and claims that depend on what is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from some_scans import edf_series, ended, frames, hdf5_scan, hdf5_series, reading, started

from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import write_nexus

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <definition>NXtomo<attribute name="needs">/plane/data /plane/kinds</attribute></definition>
  <group NX_class="NXinstrument" groupName="instrument">
    <group NX_class="NXdetector" groupName="detector01">
      <distances NAPItype="NX_FLOAT" units="mm" record="final">${distances}</distances>
    </group>
  </group>
  <group NX_class="NXcollection" groupName="plane">
    <kinds NAPItype="NX_INT" record="final">2*${dark}..${dark} 0*${first}..${last}</kinds>
    <angles NAPItype="NX_FLOAT" units="deg">0..180/4</angles>
    <link groupName="data" ref="/instrument/detector01/data" frames="${dark} ${first}..${last}"/>
    <link groupName="distance" ref="/instrument/detector01/distances" frames="1"/>
  </group>
</group>
"""


def written(make, settings: FileSettings, first: int = 3, last: int = 4, **final):
    record = started(settings.data_root, text=DEFINITION)
    seen = frames()
    numbers = {"dark": reading(1), "first": reading(first), "last": reading(last)} | final
    raw = [make(record, seen)] if make else []
    done = ended(record, *raw, distances=reading([10.0, 20.0], "mm"), **numbers)
    return write_nexus(done, settings), seen


@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series, edf_series])
def test_a_link_shows_the_frames_that_it_names(make, settings: FileSettings, tmp_path: Path, monkeypatch) -> None:
    result, seen = written(make, settings)
    monkeypatch.chdir(tmp_path)
    with h5py.File(result.master) as file:
        plane = file["entry_0001/plane"]
        np.testing.assert_array_equal(plane["data"], seen[[1, 3, 4]])
        assert plane["kinds"][()].tolist() == [2, 0, 0]
        assert plane["angles"][()].tolist() == [0, 45, 90, 135]
        assert plane["distance"][()] == 20.0
        assert plane["distance"].attrs["units"] == "mm"
        assert file["entry_0001/definition"].asstr()[()] == "NXtomo"
        assert "needs" not in file["entry_0001/definition"].attrs


def test_a_frame_that_is_not_there_is_reported_and_its_claim_is_not_made(settings: FileSettings) -> None:
    result, _ = written(hdf5_scan, settings, last=6)
    assert result.missing["plane/data"] == "frame 6 is chosen of 6, which are counted from 0"
    assert result.missing["definition"] == "NXtomo is not claimed without /plane/data"
    with h5py.File(result.master) as file:
        assert "definition" not in file["entry_0001"]


def test_without_raw_files_there_is_nothing_to_choose_from(settings: FileSettings) -> None:
    result, _ = written(None, settings)
    assert {"plane/data", "definition"} <= set(result.missing)


def test_what_is_still_to_come_is_claimed_when_it_is_there(settings: FileSettings) -> None:
    result = write_nexus(started(settings.data_root, text=DEFINITION), settings)
    assert {"plane/data", "plane/kinds", "definition"} <= set(result.pending)


def test_a_sequence_without_sense_is_missing_with_the_reason(settings: FileSettings) -> None:
    result, _ = written(hdf5_scan, settings, first=5, last=2)
    assert "a sequence of -2 values" in result.missing["plane/kinds"]


def test_the_frames_can_be_a_list_of_the_control_system(settings: FileSettings) -> None:
    text = DEFINITION.replace('frames="${dark} ${first}..${last}"', 'frames="${chosen}"')
    record = started(settings.data_root, text=text)
    seen = frames()
    done = ended(record, hdf5_scan(record, seen), chosen=reading([5, 0]))
    with h5py.File(write_nexus(replace(done), settings).master) as file:
        np.testing.assert_array_equal(file["entry_0001/plane/data"], seen[[5, 0]])
