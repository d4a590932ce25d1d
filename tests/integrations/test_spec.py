"""The macros for SPEC, run by a program that does what SPEC would do, against a real daemon."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest
from daemons import Daemon
from spec_session import BackToThePromptError, Spec
from tango import DevState

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/how-to/spec.md").read_text()
SHOWS_THE_FILE, SET_UP, OWN_MACROS = (
    re.findall(r"^```(?:console)?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[number] for number in (0, 1, 3)
)
NOWHERE = "//localhost:1/sim/nxscribe/nowhere"


@pytest.fixture(scope="module")
def macros() -> str:
    """The file that the page's command shows."""
    command = re.fullmatch(r'\$ python -c "(.*)"\n', SHOWS_THE_FILE)
    assert command
    printed = subprocess.run([sys.executable, "-c", command[1]], check=True, capture_output=True, text=True).stdout
    return Path(printed.strip()).read_text()


@pytest.fixture
def spec(macros: str, daemon: Daemon) -> Iterator[Spec]:
    """A session that was set up as the page says, with the names of the test's daemon."""
    session = Spec({"SCAN_N": 0.0, "DATAFILE": "/data/spec/bone3", "A": {}, "TANGO_ERR": ""})
    session.run(macros)
    for line in SET_UP.splitlines()[1:]:
        named = line.replace("id16a/nxscribe/main scan", f"{daemon.devices[0]} plain").replace(
            "ma2210", daemon.proposal
        )
        session.run(named)
    yield session
    if daemon.proxy.state() == DevState.RUNNING:
        daemon.proxy.AbortScan()


def scan(
    spec: Spec,
    heading: str,
    *axes: tuple[float, float, float],
    points: tuple[int, int] = (11, 0),
    during: str | Callable[[], None] = "",
) -> None:
    """What the standard macros do for a scan. Each axis has the motor's number, start and stop."""
    numbers, starts, stops = ([axis[part] for axis in axes] for part in range(3))
    spec.globals |= {
        "HEADING": heading,
        "_ctime": 0.1,
        "_nm": float(len(axes)),
        "_m": numbers,
        "_s": starts,
        "_f": stops,
    }
    spec.globals |= {"_n1": float(points[0]), "_n2": float(points[1])}
    try:
        spec.run_chain("user_prescan_head")
        spec.globals["SCAN_N"] += 1
        if during == "^C":
            raise BackToThePromptError
        if callable(during):
            during()
        elif during:
            spec.run(during)
        spec.run_chain("user_scan_tail")
    except BackToThePromptError:
        spec.clean_up()


def entry(daemon: Daemon, number: int = 1) -> dict[str, object]:
    daemon.await_files()
    with h5py.File(daemon.entry_file(number)) as file:
        (found,) = file.values()
        told = {name: value[()] for name, value in found["nxscribe/parameters"].items()}
        told |= {name: found["nxscribe"][name][()] for name in ("end_reason",)} | {"title": found["title"][()]}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in told.items()}


def test_each_scan_is_recorded_with_its_motors(spec: Spec, daemon: Daemon):
    own = OWN_MACROS.replace("/data/visitor/ma2210/id16a/bone3", str(daemon.data))
    spec.run_chain("user_scan_tail")  # nothing is open
    spec.globals["_ctime"] = 0.1
    spec.run(f"def beamline_own '{{{own}}}'")
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0))
    scan(spec, "mesh  sx 0 1 10 sy -1 1 2 0.1", (0, 0.0, 1.0), (1, -1.0, 1.0), points=(11, 3))
    assert spec.printed == []
    first, second = entry(daemon, 1), entry(daemon, 2)
    assert (first["title"], first["end_reason"]) == ("bone3 - bone3_00001", "finished")
    assert (first["spec_command"], first["spec_file"]) == ("ascan  sx 0 1 10 0.1", "/data/spec/bone3")
    assert [first[f"axis1_{what}"] for what in ("name", "start", "stop", "range", "dimension")] == ["sx", 0, 1, 1, 11]
    assert (first["dwell_time"], first["spec_scan_number"]) == (0.1, 1)
    assert "axis2_name" not in first
    assert [second[f"axis2_{what}"] for what in ("name", "range", "dimension")] == ["sy", 2, 3]


def test_values_and_files_of_the_beamline_are_added_while_a_scan_runs(spec: Spec, daemon: Daemon):
    own = OWN_MACROS.replace("/data/visitor/ma2210/id16a/bone3", str(daemon.data))
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0), during=own)
    assert spec.printed == []
    told = entry(daemon)
    assert told["filter"] == "Al 2 mm"
    assert list(told["positions"]) == [0.5, 1, 1.5]  # type: ignore[call-overload]
    assert daemon.proxy.lastDataFile == f"{daemon.data}/tomo0000.edf"


def test_the_motors_of_a2scan_are_no_mesh(spec: Spec, daemon: Daemon):
    scan(spec, "a2scan  sx 0 1 sy 0 2 10 0.1", (0, 0.0, 1.0), (1, 0.0, 2.0))
    told = entry(daemon)
    assert (told["axis1_dimension"], told["axis2_name"], "axis2_dimension" in told) == (11, "sy", False)


def test_control_c_aborts_the_scan_and_the_next_one_is_recorded(spec: Spec, daemon: Daemon):
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0), during="^C")
    assert daemon.proxy.state() == DevState.ON
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0))
    assert (entry(daemon, 1)["end_reason"], entry(daemon, 2)["end_reason"]) == ("aborted", "finished")
    assert spec.printed == []


def test_the_number_in_the_name_is_that_of_spec_whenever_spec_counts(spec: Spec, daemon: Daemon):
    for number in (1, 2):
        spec.globals |= {"HEADING": "timescan", "_ctime": 1.0, "_nm": 0.0, "SCAN_N": float(number)}
        spec.run_chain("user_prescan_head")
        spec.run_chain("user_scan_tail")
    assert [entry(daemon, number)["title"] for number in (1, 2)] == ["bone3 - bone3_00002", "bone3 - bone3_00002"]
    assert entry(daemon, 1)["spec_scan_number"] == 1


def test_a_refusal_is_printed_and_the_scan_of_spec_goes_on(spec: Spec, daemon: Daemon):
    spec.run("nxscribe_sample ../etc")
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0))
    (told,) = spec.printed
    assert told.startswith("nxscribe: Start: ")
    spec.run("nxscribe_sample bone3")
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0))
    assert entry(daemon)["title"] == "bone3 - bone3_00002"


def test_a_daemon_that_is_away_is_left_alone_for_a_minute(spec: Spec, daemon: Daemon):
    clock = [1000.0]
    spec.now = lambda: clock[0]
    spec.run(f"nxscribe_setup {NOWHERE} plain")
    for _ in range(2):
        scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0))
    assert len(spec.printed) == 1
    spec.globals["NXSCRIBE_DEV"] = daemon.devices[0]
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0))
    assert daemon.proxy.currentScan == ""
    clock[0] += 61
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0))
    assert entry(daemon)["end_reason"] == "finished"


def test_a_scan_whose_end_was_not_answered_is_aborted_and_gets_nothing_of_the_next_one(spec: Spec, daemon: Daemon):
    clock = [1000.0]
    spec.now = lambda: clock[0]

    def outlast_the_rest() -> None:
        spec.globals["NXSCRIBE_DEV"] = daemon.devices[0]
        clock[0] += 61
        spec.run('nxscribe_set("filter", "of the second scan")')

    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0), during=f'NXSCRIBE_DEV = "{NOWHERE}"')
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0), during=outlast_the_rest)
    assert daemon.proxy.state() == DevState.RUNNING
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0))
    first, third = entry(daemon, 1), entry(daemon, 2)
    assert (first["title"], first["end_reason"]) == ("bone3 - bone3_00001", "aborted")
    assert not {"filter", "spec_scan_number"} & set(first)
    assert (third["title"], third["spec_scan_number"], third["end_reason"]) == ("bone3 - bone3_00003", 3, "finished")
    assert len(spec.printed) == 1


def test_it_can_be_switched_off(spec: Spec, daemon: Daemon):
    spec.run("nxscribe_off")
    before = daemon.proxy.scan
    scan(spec, "ascan  sx 0 1 10 0.1", (0, 0.0, 1.0))
    assert daemon.proxy.scan == before


def test_the_axes_have_the_names_of_the_shipped_definition(macros: str):
    placeholders = set(re.findall(r"\$\{(\w+)\}", (TOP / "definitions/scan.xml").read_text()))
    named = {name.replace("%d", "1") for name in re.findall(r'"(axis%?\d?d?_\w+)"', macros)}
    assert named | {"scan_type", "dwell_time"} <= placeholders
    assert len(named) == 6
