"""Watched triggers of a running daemon: the how-to's camera and door, lost events, and servers that are restarted."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest
import tango
import yaml
from daemons import Daemon, wait_until

PAGE = (Path(__file__).parents[2] / "docs/how-to/watched-trigger.md").read_text()
CAMERA_PAGE, DOOR_PAGE = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CAMERA = "sim/limaccds/frelon"


@pytest.fixture(scope="module")
def pushing(serve_module: Callable[..., Any]) -> Any:
    return serve_module("pushing")


@pytest.fixture(scope="module")
def watching(beamline: object, pushing: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the page's camera, a door that is another of its own devices, and a number that pushes events."""
    assert beamline
    daemon = Daemon(tmp_path_factory.mktemp("watching"), f"w{os.getpid()}x{time.monotonic_ns():x}", sessions=4)
    of_camera = yaml.safe_load(CAMERA_PAGE.replace("id16a/limaccds/pco", CAMERA))
    (door,) = yaml.safe_load(DOOR_PAGE)["watched_triggers"].values()
    config = yaml.safe_load(daemon.config.read_text())
    of_camera["watched_triggers"]["camera"]["technique"] = "plain"
    config["watched_triggers"] = of_camera["watched_triggers"] | {
        # Its State is of the same type as a door's, with the same events.
        "door": {**door, "attribute": f"{daemon.devices[2]}/State", "device": daemon.devices[1]},
        "number": {
            "attribute": f"{pushing.device}/pushed",
            "device": daemon.devices[3],
            "running": "> 0.5",
            "failed": "< 0",
            "proposal": "ma1",
            "sample": "s",
            "scan": "n${begun}",
            "poll_s": 0.5,
        },
    }
    config["sources"] |= {"experiment": {"value": "ma2210"}}
    config |= {"default_technique": "plain", "detectors": of_camera["detectors"]}
    daemon.config.write_text(yaml.safe_dump(config))
    daemon.start()
    yield daemon
    assert daemon.stop() == 0


def session(daemon: Daemon, number: int) -> tango.DeviceProxy:
    proxy = tango.DeviceProxy(daemon.devices[number])
    proxy.set_timeout_millis(30_000)
    return proxy


def is_open(proxy: tango.DeviceProxy) -> bool:
    return bool(proxy.currentScan) and proxy.state() == tango.DevState.RUNNING


def ended(daemon: Daemon, proxy: tango.DeviceProxy) -> dict[str, Any]:
    """What the entry of the last scan says of its end, once it is closed and written."""
    wait_until(lambda: not proxy.currentScan, "the scan ends")
    wait_until(lambda: proxy.filesWaiting == 0, "the files are written", 60)
    with h5py.File(proxy.masterFile) as file:
        account = file[proxy.entry]["nxscribe"]
        found = {name: account[name].asstr()[()] for name in ("end_reason", "reason") if name in account}
        return {**found, "by": account["parameters/watchedTrigger"].asstr()[()], "entry": proxy.entry}


def test_a_series_of_the_camera_on_the_page_is_a_scan_with_its_names_and_frames(
    watching: Daemon, tmp_path: Path
) -> None:
    proxy, camera = session(watching, 0), tango.DeviceProxy(CAMERA)
    folder = tmp_path / "bone3"
    folder.mkdir()
    saving = {"directory": str(folder), "prefix": "tomo_", "suffix": ".edf", "mode": "AUTO_FRAME", "next_number": 0}
    for name, value in saving.items():
        camera.write_attribute(f"saving_{name}", value)
    camera.acq_expo_time = 0.3
    program = PROGRAM.replace("id16a/limaccds/pco", CAMERA)
    exec(program, {})  # noqa: S102 - the page's own program
    name = wait_until(lambda: proxy.currentScan, "the scan begins")
    assert re.fullmatch(r"bone3 - tomo_\d{8}T\d{6}", name)
    found = ended(watching, proxy)
    assert found == {"end_reason": "finished", "by": "camera", "entry": proxy.entry}
    assert proxy.proposal == "ma2210"

    def frames() -> int:
        with h5py.File(proxy.masterFile) as file:
            detector = file[proxy.entry]["instrument/detector01"]
            return len(detector["data"]) if "data" in detector else 0

    wait_until(lambda: frames() == 3, "the frames are linked", 60)


def test_the_state_of_a_door_begins_and_ends_scans(watching: Daemon) -> None:
    door, proxy = session(watching, 2), session(watching, 1)
    for number in (1, 2):
        door.StartScan(watching.request(scan=f"macro{number}"))
        wait_until(lambda: is_open(proxy), "the scan begins")
        door.EndScan("")
        assert ended(watching, proxy)["end_reason"] == "finished"


def test_a_scan_that_somebody_aborted_is_not_begun_again_before_the_next_one(watching: Daemon, pushing: Any) -> None:
    proxy, number = session(watching, 3), tango.DeviceProxy(pushing.device)
    number.value = 2.0
    wait_until(lambda: is_open(proxy), "the scan begins")
    first = proxy.entry
    proxy.AbortScan()
    number.value = 3.0
    number.value = 0.0
    assert ended(watching, proxy)["entry"] == first
    number.value = 1.0
    wait_until(lambda: is_open(proxy), "the next scan begins")
    number.value = 0.0
    assert ended(watching, proxy)["end_reason"] == "finished"
    assert proxy.entry != first


def test_a_trigger_that_leaves_the_config_ends_its_scan(watching: Daemon, pushing: Any) -> None:
    proxy, number = session(watching, 3), tango.DeviceProxy(pushing.device)
    number.value = 1.0
    wait_until(lambda: is_open(proxy), "the scan begins")
    before = watching.config.read_text()
    config = yaml.safe_load(before)
    del config["watched_triggers"]["number"]
    watching.config.write_text(yaml.safe_dump(config))
    assert not proxy.Reload()
    found = ended(watching, proxy)
    assert found["end_reason"] == "interrupted"
    assert found["reason"] == "the config has no watched trigger number any more"
    number.value = 0.0
    watching.config.write_text(before)
    assert not proxy.Reload()
    number.value = 1.0
    wait_until(lambda: is_open(proxy), "it begins scans again")
    number.value = 0.0
    assert ended(watching, proxy)["end_reason"] == "finished"


def test_an_event_that_is_lost_is_made_good_by_reading(watching: Daemon, pushing: Any) -> None:
    proxy, number = session(watching, 3), tango.DeviceProxy(pushing.device)
    number.ChangeSilently(1.0)
    wait_until(lambda: is_open(proxy), "the scan begins")
    number.ChangeSilently(-1.0)
    found = ended(watching, proxy)
    assert found["end_reason"] == "failed"
    assert found["reason"] == f"{pushing.device}/pushed was -1.0"


def test_a_scan_outlives_the_daemon_and_is_interrupted_when_the_server_comes_back_without_it(
    watching: Daemon, pushing: Any
) -> None:
    number = tango.DeviceProxy(pushing.device)
    number.value = 1.0
    wait_until(lambda: is_open(session(watching, 3)), "the scan begins")
    entry = session(watching, 3).entry
    assert watching.stop() == 0
    proxy = session(watching.start(), 3)
    watching.await_events("watched trigger goes on with its scan")
    pushing.kill()
    wait_until(
        lambda: any("the watched trigger number" in line for line in proxy.troubles or ()), "the trouble is shown"
    )
    assert (is_open(proxy), proxy.entry) == (True, entry)
    pushing.start()
    found = ended(watching, proxy)
    assert found == {"end_reason": "interrupted", "reason": found["reason"], "by": "number", "entry": entry}
    assert re.fullmatch(rf"{pushing.device}/pushed was 0.0, after \d+ s in which it had no value", found["reason"])
    wait_until(lambda: not proxy.troubles, "the trouble is over")
