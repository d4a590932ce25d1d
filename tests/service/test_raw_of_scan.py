"""A scan's raw files when it has ended, of all who speak of them, and how many frames they are to have."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from some_scans import START, ended, reading, started

from nxscribe.errors import InputError
from nxscribe.model import RawSearch, RawSeries, Reading
from nxscribe.plan import CapturePlan, LimaDetector
from nxscribe.records import Record
from nxscribe.service.config import Config, load_config
from nxscribe.service.scan._raw_of_scan import with_named_file, with_raw
from nxscribe.service.scan.requests import EndRequest, raw_files

CONFIG = """\
beamline: id16a
data_root: data
parameters: [tomo_n]
detectors:
  pco: {{device: id16a/limaccds/pco, group: instrument/detector01{pco}}}
  eiger: {{files: "*.h5", group: instrument/detector02, dataset: entry/data}}
techniques: {{tomo: {{definition: tomo.xml}}}}
"""
CAMERA = LimaDetector("pco", "id16a/limaccds/pco", "instrument/detector01")


def config(folder: Path, pco: str = "") -> Config:
    (folder / "id16a.yaml").write_text(CONFIG.format(pco=pco))
    return load_config(folder / "id16a.yaml")


def saving(record: Record, number: int) -> dict[str, Reading]:
    texts = {"directory": record.directory, "prefix": "im_", "suffix": ".edf", "next_number": number}
    said = {f"pco.saving_{name}": Reading("tango", START, np.asarray(text)) for name, text in texts.items()}
    counts = {"pco.acq_nb_frames": 10, "pco.saving_frame_per_file": 1}
    return said | {name: Reading("tango", START, np.asarray(count)) for name, count in counts.items()}


@pytest.fixture
def over(tmp_path: Path) -> Record:
    """A scan in which a Lima camera wrote ten files, and another detector's files are to be looked for."""
    record = ended(started(tmp_path))
    assert record.final
    return replace(
        record,
        initial=replace(record.initial, readings=saving(record, 0)),
        final=replace(record.final, readings=saving(record, 10)),
        detectors={"pco": "instrument/detector01", "eiger": "instrument/detector02"},
        searches=(RawSearch("eiger", record.directory, "*.h5"),),
    )


def settled(
    record: Record, config: Config, request: EndRequest | None = None, *, camera: LimaDetector = CAMERA
) -> Record:
    request = request or EndRequest()
    plan = CapturePlan("tomo", None, {}, frozenset(), frozenset(), frozenset(), detectors={"pco": camera})  # type: ignore[arg-type]
    return with_raw(record, raw_files(request, config.datasets, record.directory), plan, config)


def test_a_camera_tells_its_files_and_frames_and_another_detectors_are_looked_for(over: Record, tmp_path: Path) -> None:
    record = settled(over, config(tmp_path))
    assert record.raw == (RawSeries("pco", over.directory, "im_%04d.edf", 0, 10),)
    assert [search.detector for search in record.searches] == ["eiger"]
    assert record.frames == {"pco": 10}


def test_what_the_end_lists_goes_before_what_was_named_and_that_before_what_is_found(
    over: Record, tmp_path: Path
) -> None:
    named = (
        RawSeries("pco", "/named", "a.edf"),
        RawSeries("eiger", "/named", "b.h5"),
        RawSeries("", "/named", "c.png"),
    )
    request = EndRequest(files={"eiger": ["/listed/d.h5"]})
    record = settled(replace(over, raw=named), config(tmp_path), request)
    assert [(series.detector, series.directory) for series in record.raw] == [
        ("eiger", "/listed"), ("pco", "/named"), ("", "/named"),
    ]  # fmt: skip
    assert record.raw[0].dataset == "entry/data"
    assert record.searches == ()


@pytest.mark.parametrize("files", [[], ["/listed/"]])
def test_an_end_that_lists_no_usable_file_of_a_detector_keeps_those_that_were_named(
    over: Record, tmp_path: Path, files: list[str]
) -> None:
    named = (RawSeries("pco", "/named", "a_%03d.edf", 0, 500), RawSeries("", "/named", "c.png"))
    request = EndRequest(files={"pco": files, "frelon": ["/listed/d.edf"]})
    record = settled(replace(over, raw=named), config(tmp_path), request)
    assert [(series.directory, series.count) for series in record.raw] == [
        ("/listed", 1),
        ("/named", 500),
        ("/named", 1),
    ]


def test_files_that_were_named_with_several_paths_of_frames_are_told_of(over: Record, tmp_path: Path) -> None:
    datasets = {"eiger": "entry/data"}
    for name in ("s0.h5::/1.1/data", "s0.h5::/2.1/data", "s1.h5", "x.png::/3.1"):
        over = with_named_file(over, name, {}, datasets)
    assert [(one.dataset, *one) for one in over.raw] == [
        ("1.1/data", "s0.h5"),
        ("2.1/data", "s0.h5"),
        ("1.1/data", "s1.h5"),
        ("3.1", "x.png"),
    ]
    (note,) = settled(over, config(tmp_path)).notes
    assert note.startswith("the frames of eiger are looked for at '1.1/data', not at 2.1/data: ")


def test_where_only_the_last_of_a_cameras_files_was_named_all_of_them_are_taken(over: Record, tmp_path: Path) -> None:
    said = RawSeries("pco", over.directory, "im_%04d.edf", 0, 10)
    last = RawSeries("pco", over.directory, "im_%04d.edf", 9)
    assert settled(replace(over, raw=(last,)), config(tmp_path)).raw == (said,)
    another = RawSeries("pco", over.directory, "im_%04d.edf", 9, 2)
    assert settled(replace(over, raw=(another,)), config(tmp_path)).raw == (another,)


@pytest.mark.parametrize(
    ("pco", "request_", "expected"),
    [
        (", frames: 12", EndRequest(), 12),
        (", frames: tomo_n", EndRequest(), 9),
        (", frames: 12", EndRequest(frames={"pco": 11}), 11),
        ("", EndRequest(frames={"pco": 11}), 11),
    ],
)
def test_the_triggers_number_of_frames_goes_before_the_configs_and_that_before_the_cameras(
    pco: str, request_: EndRequest, expected: int, over: Record, tmp_path: Path
) -> None:
    record = replace(over, given={"tomo_n": reading(9)})
    assert settled(record, config(tmp_path, pco), request_).frames == {"pco": expected}


def test_a_number_of_frames_that_no_file_can_hold_is_not_taken_from_a_placeholder(over: Record, tmp_path: Path) -> None:
    record = replace(over, given={"tomo_n": reading(1e30)})
    assert settled(record, config(tmp_path, ", frames: tomo_n")).frames == {"pco": 10}


def test_of_a_camera_that_says_nonsense_no_name_is_made(over: Record, tmp_path: Path) -> None:
    assert over.final
    count = 300_000
    said = replace(over, final=replace(over.final, readings=saving(over, count)))
    last = RawSeries("pco", over.directory, "im_%06d.edf", count - 1)
    tracemalloc.start()
    try:
        for record in (said, replace(said, raw=(last,))):
            assert [series.count for series in settled(record, config(tmp_path)).raw] == [count]
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_a_number_of_frames_that_nothing_fills_is_a_mistake_of_the_config(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"from \$\{tomo_m\}, which nothing fills"):
        config(tmp_path, ", frames: tomo_m")


def test_a_number_of_frames_that_no_file_can_hold_is_a_mistake_of_the_config(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="frames"):
        config(tmp_path, f", frames: {2**63}")


@pytest.mark.parametrize(("trigger", "count"), [("camera", 10), ("door", 0)])
def test_a_series_before_the_start_belongs_to_the_scan_only_if_the_cameras_trigger_began_it(
    trigger: str, count: int, over: Record, tmp_path: Path
) -> None:
    idle = {"pco.acq_status": reading("Ready"), "pco.last_image_saved": reading(9)}
    idle |= saving(over, 100)
    assert over.final
    scan = replace(
        over,
        initial=replace(over.initial, readings=idle),
        final=replace(over.final, readings=idle),
        given={"watchedTrigger": reading(trigger)},
    )
    camera = replace(CAMERA, watched_by=("camera",))
    assert sum(one.count for one in settled(scan, config(tmp_path), camera=camera).raw) == count
