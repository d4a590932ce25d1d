"""The hooks for BLISS, with a double of its scans (see `bliss_double`), drive a real daemon."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bliss_double
import h5py
import pytest
import tango
from bliss_double import Scan, Session
from daemons import Daemon

PAGE = (Path(__file__).parents[2] / "docs/how-to/bliss.md").read_text()
(SETUP,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MODULE = "nxscribe.integrations.bliss"


@pytest.fixture
def session(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session of BLISS whose setup file has the page's lines."""
    made = Session(daemon.data / daemon.proposal, daemon.proposal)
    made.techniques = {"plain"}
    for name, module in bliss_double.modules(made).items():
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules.pop(MODULE, None)
    setup(daemon)
    yield made
    sys.modules.pop(MODULE, None)


def setup(daemon: Daemon) -> None:
    """Run the page's setup file, with a patience for machines that are busy with other tests."""
    exec(SETUP.replace("id16a/nxscribe/main", daemon.devices[0]).replace('")', '", timeout_s=30)'), {})  # noqa: S102


def hooks_of(daemon: Daemon, **settings: Any) -> Any:
    return importlib.import_module(MODULE).NxScribe(daemon.devices[0], timeout_s=30, **settings)


def entries(daemon: Daemon) -> list[dict[str, Any]]:
    """What each entry of the experiment says, once its files are there."""
    daemon.await_files()
    if not daemon.master.exists():
        return []
    with h5py.File(daemon.master) as file:
        return [_told(file[name]) for name in sorted(file) if name.startswith("entry_")]


def _told(entry: h5py.Group) -> dict[str, Any]:
    account = entry["nxscribe"]
    told: dict[str, Any] = {name: account[name].asstr()[()] for name in ("end_reason", "reason") if name in account}
    told["name"] = entry["title"].asstr()[()]
    for name, value in account["parameters"].items():
        told[name] = value.asstr()[()] if h5py.check_string_dtype(value.dtype) else value[()].tolist()
        told[f"{name}@units"] = value.attrs.get("units", "")
    return told


def test_a_scan_is_recorded_with_its_axes_data_and_end(daemon: Daemon, session: Session) -> None:
    states = []
    Scan(session).run(lambda _: states.append(daemon.proxy.state()))
    assert states == [tango.DevState.RUNNING] * 3
    (entry,) = entries(daemon)
    assert entry["name"] == "bone3 - tomo_0003_0001_ascan"
    assert entry["end_reason"] == "finished"
    assert (entry["axis1_name"], entry["axis1_start"], entry["axis1_stop"]) == ("sx", 0.0, 1.0)
    assert (entry["axis1_dimension"], entry["axis1_kind"], entry["points"]) == (3, "forth", 3)
    assert entry["axis1_positions"] == [0.0, 0.5, 1.0]
    assert (entry["diode"], entry["diode@units"]) == ([0.0, 1.0, 2.0], "V")
    assert (entry["sz"], entry["sz@units"]) == (3, "um")
    assert "image" not in entry
    assert "sy" not in entry


def test_each_file_leads_to_the_entry_in_the_other(daemon: Daemon, session: Session) -> None:
    Scan(session).run()
    entries(daemon)
    with h5py.File(daemon.master) as file:
        assert file["entry_0001/links/bliss"].attrs["NX_class"] == "NXentry"
        there = file["entry_0001/links/bliss/nxscribe"]
        assert there.attrs["NX_class"] == "NXcollection"
        assert there["entry"].asstr()[()] == "entry_0001"
        assert there["master"].asstr()[()] == str(daemon.master)


def fail(_: int) -> None:
    raise ValueError("the counter is gone")


def interrupt(point: int) -> None:
    if point == 1:
        raise KeyboardInterrupt


def test_a_scan_ends_as_it_did_in_bliss(daemon: Daemon, session: Session) -> None:
    with pytest.raises(ValueError, match="the counter is gone"):
        Scan(session).run(fail)
    with pytest.raises(KeyboardInterrupt):
        Scan(session).run(interrupt)
    Scan(session).run(stop_after=2)
    told = [(entry["end_reason"], entry.get("reason", "")) for entry in entries(daemon)]
    assert told == [("failed", "FAILURE"), ("aborted", "USER_ABORT"), ("stopped", "")]


def test_a_scan_that_is_not_saved_is_not_recorded(daemon: Daemon, session: Session) -> None:
    Scan(session, save=False).run()
    assert entries(daemon) == []


@pytest.mark.parametrize(("sequences", "scans"), [("children", ["0002_ascan", "0003_ascan"]), ("group", ["sequence"])])
def test_a_sequence_is_recorded_by_its_scans_or_as_a_whole(
    sequences: str, scans: list[str], daemon: Daemon, session: Session
) -> None:
    hooks_of(daemon, sequences=sequences).register()
    group = Scan(session, 2, sequence=True)
    group.run(lambda _: Scan(session, group=group).run())
    names = [entry["name"] for entry in entries(daemon)]
    assert len(names) == len(scans)
    assert all(name.endswith(scan) for name, scan in zip(names, scans, strict=True))


def test_a_setup_file_that_runs_again_records_each_scan_once_also_the_one_under_way(
    daemon: Daemon, session: Session
) -> None:
    def resetup(_: int) -> None:
        sys.modules.pop(MODULE)  # BLISS may load modules anew
        setup(daemon)

    Scan(session, 1).run(resetup)
    Scan(session).run()
    assert len(list(session.hooks.scan_queue)) == 1
    assert [entry["end_reason"] for entry in entries(daemon)] == ["finished", "finished"]


def test_a_second_scan_at_the_same_time_leaves_the_first_one_whole(daemon: Daemon, session: Session) -> None:
    Scan(session, 1).run(lambda _: Scan(session).run())
    assert [entry["name"] for entry in entries(daemon)] == ["bone3 - tomo_0003_0001_ascan"]


def test_positions_and_channels_can_have_other_names(daemon: Daemon, session: Session) -> None:
    hooks_of(daemon, names={"diode": "exposure", "sx": None}).register()
    Scan(session).run()
    entries(daemon)
    with h5py.File(daemon.master) as file:
        assert file["entry_0001/instrument/control/exposure"].shape == (3,)
        assert "sx" not in file["entry_0001/nxscribe/parameters"]


def test_whatever_is_wrong_no_scan_of_bliss_is_stopped_and_none_stays_open(
    daemon: Daemon, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    class UnreadableStream(bliss_double.Stream):
        def __getitem__(self, part: slice) -> Any:
            raise RuntimeError("the stream is gone")

    scan = Scan(session, 1)
    scan.run(lambda _: scan.streams.update({"a:b": UnreadableStream()}))
    assert "the stream is gone" in caplog.text
    importlib.import_module(MODULE).NxScribe("//localhost:1/sim/nxscribe/nowhere").register()
    assert Scan(session).run().state is bliss_double.ScanState.DONE
    assert [entry["end_reason"] for entry in entries(daemon)] == ["finished"]


@pytest.mark.skipif(importlib.util.find_spec("blissdata") is not None, reason="blissdata is installed here")
def test_the_program_that_watches_redis_says_what_to_install_if_its_library_is_not_there() -> None:
    program = Path(sys.executable).with_name("nxscribe-watch-bliss")
    words = ["redis://localhost:1", "--session", "id16a", "--device", "sim/nxscribe/main"]
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (told,) = done.stderr.splitlines()
    assert told.startswith("nxscribe-watch-bliss: error: ")
    assert "blissdata" in told
    assert told.endswith("install nxscribe[bliss]")
