"""Raw files that the control system names one by one: whose they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from some_scans import START, started

from nxscribe.errors import TriggerRefusedError
from nxscribe.model import NO_DETECTOR, RawSearch, Reading
from nxscribe.plan import LimaDetector
from nxscribe.service.scan._raw_of_scan import named_raw, with_named_file

PCO = {"pco": LimaDetector("pco", "id16a/limaccds/pco", "instrument/detector01", "/entry/data")}


def saving(directory: str) -> dict[str, Reading]:
    texts = {"directory": directory, "prefix": "tomo_", "suffix": ".h5"}
    return {f"pco.saving_{name}": Reading("tango", START, np.asarray(text)) for name, text in texts.items()}


def whose(record) -> list[tuple[str, str]]:
    return [(series.detector, f"{series.directory}/{name}") for series in record.raw for name in series]


def test_a_bare_name_belongs_to_the_scans_own_folder(tmp_path: Path) -> None:
    record = started(tmp_path)
    for name in ("a.log", "sub/b.log", "/other/c.log"):
        record = with_named_file(record, name, {}, {})
    folder = record.directory
    assert [path for _, path in whose(record)] == [f"{folder}/a.log", f"{folder}/sub/b.log", "/other/c.log"]


def test_a_file_is_the_detectors_whose_pattern_it_fits(tmp_path: Path) -> None:
    search = RawSearch("eiger", "/buffer/eiger", "sx_*.cbf", dataset="", during=True)
    record = replace(started(tmp_path), searches=(search,))
    for name in ("/buffer/eiger/sx_1.cbf", "/buffer/eiger/mask.cbf"):
        record = with_named_file(record, name, {}, {})
    assert [detector for detector, _ in whose(record)] == ["eiger", NO_DETECTOR]


def test_a_file_of_a_camera_that_was_prepared_after_the_start_is_its_own_at_the_end(tmp_path: Path) -> None:
    record = with_named_file(started(tmp_path), "tomo_0000.h5", PCO, {"pco": "/entry/data"})
    record = with_named_file(record, "view.png", PCO, {"pco": "/entry/data"})
    assert [detector for detector, _ in whose(record)] == [NO_DETECTOR, NO_DETECTOR]
    series = named_raw(record, PCO, saving(record.directory))
    assert [(one.detector, one.dataset) for one in series] == [("pco", "/entry/data"), (NO_DETECTOR, "")]


@pytest.mark.parametrize("name", ["", "  ", "folder/", "a\0b", "9" * 5000])
def test_what_names_no_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TriggerRefusedError, match=r"names no file|NUL|bytes"):
        with_named_file(started(tmp_path), name, {}, {})
