"""What a start names: a technique by any of its names, and what patterns of paths are made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nxscribe.errors import InputError, TriggerRefusedError
from nxscribe.records import Record
from nxscribe.service.config import load_config
from nxscribe.service.reload.config_store import ConfigStore
from nxscribe.service.scan.requests import EndRequest, StartRequest
from nxscribe.service.scan.status import Answer
from nxscribe.service.scribe import Scribe

CONFIG = """\
beamline: sim
data_root: data
state_dir: state
tango: {server: nxscribe/sim, devices: [sim/nxscribe/1]}
files:
  master: "{proposal}/{beamline}/{session}/{proposal}.h5"
  scan_directory: "{proposal}/{beamline}/{session}/RAW_DATA/{sample}/cell{cell}/{scan}"
  parameters: [cell, run]
detectors:
  pco: {files: "{proposal}/{run}/*.h5", group: instrument/detector01}
  blob: {group: instrument/detector02, dataset: entry/data, frames: 4}
techniques:
  tomo: {definition: tomo.xml, aliases: [CT, "x ray"]}
  scan: {definition: tomo.xml}
"""
PARAMETERS = {"cell": 7, "run": {"value": "r1"}}


@pytest.fixture
def scribe(tmp_path: Path) -> Iterator[Scribe]:
    config = tmp_path / "sim.yaml"
    config.write_text(CONFIG)
    (tmp_path / "tomo.xml").write_text(
        '<group NX_class="NXentry" groupName="${entry}"><group NX_class="NXinstrument" groupName="instrument">'
        '<group NX_class="NXdetector" groupName="detector01"/><group NX_class="NXdetector" groupName="detector02"/>'
        "</group></group>"
    )
    scribe = Scribe(ConfigStore(config))
    yield scribe
    scribe._library.close()
    scribe._reader.close()
    scribe._journal.close()


def scan(scribe: Scribe, request: EndRequest | None = None, **changes: object) -> tuple[Answer, Record]:
    session = scribe.sessions["sim/nxscribe/1"]
    given = {"technique": "tomo", "session": "20261101", "parameters": PARAMETERS, **changes}
    answer = session.start(StartRequest("ma1", "bone", "s1", **given))  # type: ignore[arg-type]
    session.end(request or EndRequest())
    return answer, scribe._journal.record(answer.record)


@pytest.mark.parametrize(
    ("asked", "known"), [("tomo", True), ("CT", True), ("X Ray ", True), ("XAS", False), ("", False)]
)
def test_a_technique_goes_by_its_aliases_and_an_unknown_one_by_the_default(
    scribe: Scribe, tmp_path: Path, asked: str, *, known: bool
) -> None:
    if not known:
        with pytest.raises(TriggerRefusedError, match="no technique"):
            scan(scribe, technique=asked)
    (tmp_path / "sim.yaml").write_text(f"{CONFIG}default_technique: scan\n")
    assert scribe.reload() == ()
    answer, record = scan(scribe, technique=asked)
    assert record.identity.technique == ("tomo" if known else "scan")
    assert record.technique_asked == ("" if asked == "tomo" else asked)
    is_told = bool(asked) and not known
    assert [f"no technique {asked!r}" in one for one in answer.warnings] == [True] * is_told
    assert [f"no technique {asked!r}" in one for one in record.notes] == [True] * is_told


def test_session_and_parameters_that_the_config_allows_are_part_of_paths(scribe: Scribe, tmp_path: Path) -> None:
    _, record = scan(scribe)
    assert record.master == "ma1/sim/20261101/ma1.h5"
    assert record.directory == str(tmp_path / "data/ma1/sim/20261101/RAW_DATA/bone/cell7/s1")
    assert [search.directory for search in record.searches] == [str(tmp_path / "data/ma1/r1")]


@pytest.mark.parametrize("value", ["a/b", "..", "../x", "/etc", "", "a\0b", "-x", "n" * 300, [1, 2], None])
@pytest.mark.parametrize("name", ["session", "cell", "run"])
def test_no_value_of_a_pattern_leads_to_another_folder(
    scribe: Scribe, tmp_path: Path, name: str, value: object
) -> None:
    if name == "session":
        changes: dict[str, object] = {"session": value if isinstance(value, str) else ""}
    else:
        changes = {"parameters": {**PARAMETERS, name: value}}
    with pytest.raises(TriggerRefusedError, match=name):
        scan(scribe, **changes)
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").iterdir())


def test_a_parameter_that_paths_are_made_of_and_that_is_not_given_is_named(scribe: Scribe) -> None:
    with pytest.raises(TriggerRefusedError, match="'cell' is not given"):
        scan(scribe, parameters={"run": "r1"})


def test_a_detector_that_only_the_trigger_names_takes_part_only_then_and_may_come_with_its_dataset(
    scribe: Scribe,
) -> None:
    _, without = scan(scribe)
    assert [search.detector for search in without.searches] == ["pco"]
    assert (without.raw, without.frames) == ((), {})
    _, with_files = scan(scribe, EndRequest(files={"blob": ["a0.h5", "a1.h5"]}))
    assert [(one.detector, one.dataset, *one) for one in with_files.raw] == [("blob", "entry/data", "a0.h5", "a1.h5")]
    assert with_files.frames == {"blob": 4}
    _, with_dataset = scan(scribe, EndRequest(files={"blob": ["a0.h5::/entry/data/data", "a1.h5"]}))
    assert [(one.dataset, *one) for one in with_dataset.raw] == [("entry/data/data", "a0.h5", "a1.h5")]


def test_files_outside_the_folders_that_the_config_allows_are_told_and_marked_for_the_writer(scribe: Scribe) -> None:
    session = scribe.sessions["sim/nxscribe/1"]
    given = {"technique": "tomo", "session": "20261101", "parameters": PARAMETERS}
    started = session.start(StartRequest("ma1", "bone", "s1", **given))  # type: ignore[arg-type]
    session.name_file("/etc/passwd")
    ended = session.end(EndRequest(files={"blob": ["/root/secret.h5", "../" * 30 + "up.h5", "in.h5"]}))
    assert [one.partition(", which lies by its name outside")[0] for one in ended.warnings] == [
        "raw files were named in '/root'",
        "raw files were named in '/'",
    ]
    assert all("the writer opens it only if it really lies inside" in one for one in ended.warnings)
    record = scribe._journal.record(started.record)
    assert all(series.named for series in record.raw)
    assert record.roots == (str(scribe.beamline.config.data_root), f"{scribe.beamline.config.data_root}/ma1/r1")
    assert [note for note in record.notes if "/root" in note]


SAVING = {"directory": "/", "prefix": "shadow", "suffix": "", "next_number": 0, "index_format": "%01d"}


def with_camera(scribe: Scribe, tmp_path: Path, sources: str = "") -> dict[str, object]:
    """Put a camera into the config; returns parameters in place of all that it says."""
    camera = "  lima: {device: sim/limaccds/nowhere, group: instrument/detector01}\n"
    text = CONFIG.replace("techniques:\n", f"{camera}{sources}techniques:\n")
    text = text.replace('/*.h5", group: instrument/detector01', '/*.h5", group: instrument/detector03')
    (tmp_path / "sim.yaml").write_text(text)
    assert scribe.reload() == ()
    rest = {"saving_format": "EDF", "saving_frame_per_file": 1, "acq_nb_frames": 1, "acq_status": "Ready"}
    rest |= {f"saving_{name}": value for name, value in SAVING.items()}
    return {f"lima.{name}": value for name, value in {**rest, "last_image_saved": 0}.items()}


def test_a_client_opens_no_folder_by_giving_what_a_camera_says(scribe: Scribe, tmp_path: Path) -> None:
    given = with_camera(scribe, tmp_path)
    request = EndRequest(files={"blob": ["/etc/passwd"]}, parameters={"lima.saving_next_number": 1})
    answer, record = scan(scribe, request, parameters={**PARAMETERS, **given})
    root = scribe.beamline.config.data_root
    assert record.roots == (str(root), f"{root}/ma1/r1")
    assert [(one.directory, *one, one.named) for one in record.raw] == [
        ("/etc", "passwd", True),
        ("/", "shadow0", True),
    ]
    assert answer.record == record.id


def test_links_of_a_start_and_of_an_end_may_lead_to_the_same_folders(scribe: Scribe, tmp_path: Path) -> None:
    given = with_camera(scribe, tmp_path, 'sources: {"lima.saving_directory": {value: /buffer/lima}}\n')
    del given["lima.saving_directory"]
    config = tmp_path / "sim.yaml"
    config.write_text(config.read_text().replace('"{proposal}/{run}/*.h5"', '"/found/{proposal}/*.h5"'))
    assert scribe.reload() == ()
    session = scribe.sessions["sim/nxscribe/1"]
    links = {"a": "/buffer/lima/a.h5", "b": "/found/ma1/b.h5", "c": "/elsewhere/c.h5"}
    names = {"technique": "tomo", "session": "20261101", "parameters": {**PARAMETERS, **given}}
    started = session.start(StartRequest("ma1", "bone", "s1", **names, links=links))  # type: ignore[arg-type]
    ended = session.end(EndRequest(links=links))
    assert [one.partition(" leads to")[0] for one in started.warnings] == ["the link 'c'"]
    assert started.warnings == ended.warnings
    assert list(scribe._journal.record(started.record).links) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[CT, ", "[SCAN, ", "the alias 'SCAN' of the technique tomo is also a name of the technique scan"),
        ("beamline: sim", "beamline: sim\ndefault_technique: scam", "did you mean scan?"),
        ("parameters: [cell, run]", "parameters: [cell]", "unknown part {run}"),
        ("parameters: [cell, run]", "parameters: [cell, run, a/b]", "'a/b' is not a name"),
        ('{files: "{proposal}', '{watch: "x", files: "{proposal}', "at most one of device, files, watch"),
    ],
)
def test_mistakes_in_these_keys_are_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in CONFIG
    (tmp_path / "sim.yaml").write_text(CONFIG.replace(old, new))
    with pytest.raises(InputError) as refused:
        load_config(tmp_path / "sim.yaml")
    assert any(told in str(problem) for problem in refused.value.problems)
