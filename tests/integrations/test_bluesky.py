"""bluesky's own RunEngine, with simulated devices of ophyd and ophyd-async, drives a real daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import h5py
import pytest
import tango
from bluesky import RunEngine
from bluesky.utils import RunEngineInterrupted
from daemons import Daemon, wait_until
from ophyd.sim import SynAxis, SynGauss
from ophyd_async.core import StaticFilenameProvider, StaticPathProvider, init_devices
from ophyd_async.sim import SimBlobDetector, SimMotor

from nxscribe.client import ClientError
from nxscribe.integrations.bluesky import NxScribe

NOWHERE = "//localhost:1/sim/nxscribe/nowhere"
FRAMES = "detectors: {blob: {group: instrument/detector01}}\n"


@pytest.fixture
def engine() -> Iterator[RunEngine]:
    made = RunEngine({}, context_managers=[])
    yield made
    made.loop.call_soon_threadsafe(made.loop.stop)
    made._th.join()
    made.loop.close()


@pytest.fixture
def motors() -> tuple[SynAxis, SynAxis]:
    return SynAxis(name="slow"), SynAxis(name="fast")


@pytest.fixture
def det(motors: tuple[SynAxis, SynAxis]) -> SynGauss:
    return SynGauss("det", motors[1], "fast", center=0, Imax=1, sigma=1)


@pytest.fixture
def scribe(daemon: Daemon) -> NxScribe:
    return scribe_of(daemon)


def scribe_of(daemon: Daemon, **settings: Any) -> NxScribe:
    return NxScribe(*daemon.devices, technique="plain", proposal=daemon.proposal, timeout_s=30, **settings)


class Entries:
    """The entries of an experiment, in their order, once their files are there."""

    def __init__(self, daemon: Daemon) -> None:
        daemon.await_files()
        with h5py.File(daemon.master) as file:
            self._all = [self._read(file[name]) for name in sorted(file)]

    @staticmethod
    def _read(entry: h5py.Group) -> dict[str, Any]:
        def read(node: h5py.Dataset) -> Any:
            return node.asstr()[()] if h5py.check_string_dtype(node.dtype) else node[()]

        parameters = entry.get("nxscribe/parameters", {})
        told = {name: read(node) for name, node in parameters.items()}
        units = {name: node.attrs.get("units") for name, node in parameters.items()}
        ends = {name: read(entry["nxscribe"][name]) for name in ("end_reason", "reason") if name in entry["nxscribe"]}
        return {**told, **ends, "units": units, "title": read(entry["title"])}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._all)


def test_a_scan_is_recorded_with_its_positions_its_readings_and_its_metadata(
    engine: RunEngine, daemon: Daemon, scribe: NxScribe, motors: tuple[SynAxis, SynAxis], det: SynGauss
) -> None:
    engine.subscribe(scribe)
    slow, fast = motors
    engine.preprocessors.append(bpp.SupplementalData(baseline=[slow]))
    (uid,) = engine(
        bp.scan([det], fast, -1, 1, 3, md={"sample_name": "bone/3", "operator": "M. Curie", "exposure": 0.5})
    )
    (entry,) = Entries(daemon)
    assert entry["title"] == f"bone_3 - scan_00001_{uid[:8]}"
    assert (entry["end_reason"], entry["bluesky_uid"], entry["operator"]) == ("finished", uid, "M. Curie")
    assert entry["fast"].tolist() == entry["axis1_positions"].tolist() == [-1, 0, 1]
    assert entry["det"].tolist() == pytest.approx([0.6065, 1, 0.6065], rel=1e-3)
    axis = {key.removeprefix("axis1_"): value for key, value in entry.items() if key.startswith("axis1_")}
    assert (axis["name"], axis["start"], axis["stop"], axis["range"], axis["dimension"]) == ("fast", -1, 1, 2, 3)
    assert entry["baseline_slow"].tolist() == [0, 0]
    assert entry["det_sigma"] == 1
    with h5py.File(daemon.master) as file:
        assert file["entry_0001/instrument/control/exposure"][()] == 0.5  # a parameter that the definition names


def test_the_fast_axis_comes_first_and_says_whether_it_snakes(
    engine: RunEngine, daemon: Daemon, scribe: NxScribe, motors: tuple[SynAxis, SynAxis], det: SynGauss
) -> None:
    engine.subscribe(scribe)
    slow, fast = motors
    for snake in (False, True):
        engine(bp.grid_scan([det], slow, 0, 1, 2, fast, 0, 4, 3, snake_axes=snake))
    engine(bp.scan([det], slow, 0, 1, fast, 0, 4, 3))
    engine(bp.rel_scan([det], fast, 0, 1, 3))
    raster, snaked, together, relative = Entries(daemon)
    axes = ("axis1_name", "axis1_dimension", "axis2_name", "axis2_dimension")
    for grid, kind in ((raster, "forth"), (snaked, "backnforth")):
        assert [grid[name] for name in axes] == ["fast", 3, "slow", 2]
        assert (grid["axis1_stop"], grid["axis2_stop"]) == (4, 1)
        assert (grid["axis1_kind"], grid["axis2_kind"]) == (kind, "forth")
    assert [together[name] for name in axes] == ["slow", 3, "fast", 1]
    assert "axis1_start" not in relative


@pytest.mark.parametrize(
    ("how", "end_reason"),
    [("resume", "finished"), ("stop", "stopped"), ("abort", "aborted"), ("halt", "aborted")],
)
def test_a_pause_keeps_the_scan_open_and_what_follows_decides_how_it_ends(
    engine: RunEngine, daemon: Daemon, det: SynGauss, how: str, end_reason: str
) -> None:
    engine.subscribe(scribe_of(daemon))

    @bpp.run_decorator(md={"num_points": 2})
    def plan() -> Iterator[Any]:
        yield from bps.trigger_and_read([det])
        yield from bps.pause()
        yield from bps.trigger_and_read([det])

    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    assert daemon.proxy.state() == tango.DevState.RUNNING
    getattr(engine, how)()
    assert daemon.proxy.state() != tango.DevState.RUNNING
    (entry,) = Entries(daemon)
    assert entry["end_reason"] == end_reason
    assert entry["det"].shape == ((2,) if how == "resume" else (1,))


def test_a_plan_that_fails_ends_its_scan_as_failed_and_the_next_run_is_recorded(
    engine: RunEngine, daemon: Daemon, scribe: NxScribe, det: SynGauss
) -> None:
    engine.subscribe(scribe)

    def plan() -> Iterator[Any]:
        yield from bp.count([det])

        @bpp.run_decorator()
        def fails() -> Iterator[Any]:
            yield from bps.trigger_and_read([det])
            raise ValueError("the motor is stuck")

        yield from fails()

    with pytest.raises(ValueError, match="the motor is stuck"):
        engine(plan())
    engine(bp.count([det], 2))
    assert [(entry["end_reason"], entry.get("reason", "")) for entry in Entries(daemon)] == [
        ("finished", ""),
        ("failed", "the motor is stuck"),
        ("finished", ""),
    ]


def test_runs_of_two_engines_that_count_from_one_have_names_of_their_own(daemon: Daemon, det: SynGauss) -> None:
    scribe = scribe_of(daemon)
    for _ in range(2):
        made = RunEngine({}, context_managers=[])
        made.subscribe(scribe)
        made(bp.count([det]))
        made.loop.call_soon_threadsafe(made.loop.stop)
        made._th.join()
        made.loop.close()
    first, second = (entry["title"] for entry in Entries(daemon))
    assert first != second
    assert "count_00001_" in first
    assert "count_00001_" in second


def interleaved(det: SynGauss) -> Iterator[Any]:
    """A run that begins and ends within another one."""

    @bpp.set_run_key_decorator("inner")
    @bpp.run_decorator(md={"plan_name": "inner"})
    def inner() -> Iterator[Any]:
        yield from bps.trigger_and_read([det])

    @bpp.set_run_key_decorator("outer")
    @bpp.run_decorator(md={"plan_name": "outer"})
    def outer() -> Iterator[Any]:
        yield from bps.trigger_and_read([det])
        yield from inner()
        yield from bps.trigger_and_read([det])

    yield from outer()


def test_a_run_within_a_run_leaves_the_outer_one_whole(
    engine: RunEngine, daemon: Daemon, scribe: NxScribe, det: SynGauss, caplog: pytest.LogCaptureFixture
) -> None:
    engine.subscribe(scribe)
    engine(interleaved(det))
    (entry,) = Entries(daemon)
    assert (entry["plan_name"], entry["end_reason"], entry["det"].shape) == ("outer", "finished", (2,))
    assert "give NxScribe another device" in caplog.text


def test_a_run_within_a_run_is_recorded_by_another_device(
    engine: RunEngine, make_daemon: Callable[..., Daemon], det: SynGauss
) -> None:
    daemon = make_daemon(2).start()
    engine.subscribe(scribe_of(daemon))
    engine(interleaved(det))
    assert [(entry["plan_name"], entry["det"].shape) for entry in Entries(daemon)] == [("outer", (2,)), ("inner", (1,))]


def test_frames_that_ophyd_async_writes_are_linked(
    engine: RunEngine, make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    daemon = make_daemon()
    daemon.config.write_text(f"{daemon.config.read_text()}{FRAMES}")
    daemon.start()
    engine.subscribe(scribe_of(daemon, detectors={"bdet": "blob"}))
    (daemon.data / daemon.proposal).mkdir()
    with init_devices():
        bdet = SimBlobDetector(StaticPathProvider(StaticFilenameProvider("frames"), daemon.data / daemon.proposal))
        stage_x = SimMotor(instant=True)
    engine(bp.scan([bdet], stage_x, 0, 1, 3))
    (entry,) = Entries(daemon)
    assert entry["units"]["stage_x"] == "mm"
    assert entry["stage_x"].tolist() == [0, 0.5, 1]
    with h5py.File(daemon.master) as file:
        frames = file["entry_0001/instrument/detector01/data"]
        assert frames.shape == (3, 240, 320)
        assert frames[()].any()
        assert file["entry_0001/nxscribe/frames_asked"][()].tolist() == [3]


def test_a_daemon_that_is_not_there_costs_a_plan_nothing_but_its_record(
    engine: RunEngine, det: SynGauss, caplog: pytest.LogCaptureFixture
) -> None:
    engine.subscribe(NxScribe(NOWHERE, timeout_s=30))
    (uid,) = engine(bp.count([det]))
    assert uid
    assert NOWHERE in caplog.text


def test_a_run_that_cannot_be_recorded_is_aborted_if_that_is_wanted(engine: RunEngine, det: SynGauss) -> None:
    engine.subscribe(NxScribe(NOWHERE, timeout_s=30, raises=True))
    with pytest.raises(ClientError, match="cannot be reached"):
        engine(bp.count([det]))


@pytest.mark.parametrize("junk", [{}, {"run_start": []}, dict.fromkeys(("data", "data_keys", "num_events"), 3)])
def test_documents_of_any_form_raise_nothing(daemon: Daemon, scribe: NxScribe, junk: dict[str, Any]) -> None:
    scribe("start", {"uid": "u1", "hints": {"dimensions": [3, []]}, "shape": "x", "sample": {"name": "../.."}, **junk})
    for name in ("descriptor", "event", "event_page", "stream_resource", "stream_datum", "stop", "unheard of"):
        scribe(name, junk)
    scribe("stop", {"run_start": "u1", "exit_status": "success"})
    assert daemon.proxy.state() != tango.DevState.RUNNING
    (entry,) = Entries(daemon)
    assert entry["end_reason"] == "finished"


@pytest.mark.long
def test_a_thousand_fast_scans_are_all_recorded_and_written(
    engine: RunEngine, daemon: Daemon, det: SynGauss, caplog: pytest.LogCaptureFixture
) -> None:
    engine.subscribe(scribe_of(daemon))
    uids = [uid for _ in range(1000) for uid in engine(bp.count([det]))]
    wait_until(lambda: daemon.proxy.filesWaiting == 0, "every file is written", 600)
    entries = list(Entries(daemon))
    assert [entry["bluesky_uid"] for entry in entries] == uids
    assert {entry["end_reason"] for entry in entries} == {"finished"}
    assert "nxscribe" not in caplog.text
