"""MXCuBE's collections with the real mxcubecore and its mock-ups, in an environment of their own: `make mxcube`."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest
from daemons import Daemon
from metadata_servers import MetadataServer, with_crystallography
from tango import DevState

MXCUBE = os.environ.get("MXCUBE")
SESSION = Path(__file__).parents[1] / "support/mxcube_session.py"
PAGE = (Path(__file__).parents[2] / "docs/how-to/mxcube.md").read_text()
(CONFIGURATION,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ENDS = {
    "normal": ("finished", ""),
    "runtime_error": ("failed", "Data collection failed!\nthe detector does not answer"),
    "unforeseen": ("failed", "KeyError('no such axis')"),
    "stop_collect": ("stopped", "the data collection was stopped"),
    "collection_stopped": ("stopped", "Stopped by the user"),
    "after_all": ("finished", ""),
}
"""The collections of the session, with what the entry says of their ends."""

pytestmark = pytest.mark.skipif(not MXCUBE, reason="`make mxcube` runs it: mxcubecore wants an environment of its own")


@pytest.fixture(scope="module")
def mx(beamline: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    assert beamline
    folder = tmp_path_factory.mktemp("mxcube")
    daemon = with_crystallography(Daemon(folder, folder.name)).start()
    yield daemon
    daemon.stop()


def run(folder: Path, **told: object) -> dict[str, str]:
    """What became of each collection, as MXCuBE sees it."""
    assert MXCUBE
    done = subprocess.run([MXCUBE, SESSION, folder, json.dumps(told)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def text(node: h5py.Group, path: str) -> str:
    return str(node[path].asstr()[()])


def images_of(entry: h5py.Group) -> list[str]:
    """The names of the images, whether they are there or not."""
    return [Path(path).name for path in entry["measurement/files"].asstr()[()]]


@pytest.mark.timeout(240)
def test_each_collection_is_recorded_however_it_ends(mx: Daemon, tmp_path: Path):
    own = CONFIGURATION.replace("id30a1/nxscribe/main", mx.devices[0]) + "  detector: eiger\n"
    became = run(tmp_path, images=str(mx.data), proposal="mx415", own=own, collections=list(ENDS))
    assert became["normal"] == became["after_all"] == "Data collection successful"
    assert mx.proxy.state() == DevState.ON
    mx.await_files()
    (master,) = mx.data.rglob("mx415-sim.h5")
    with h5py.File(master) as file:
        entries = [file[name] for name in sorted(file)]
        assert [text(entry, "title") for entry in entries] == [f"lysozyme - {name}_1" for name in ENDS]
        told = [
            (text(one, "nxscribe/end_reason"), text(one, "nxscribe/reason") if "nxscribe/reason" in one else "")
            for one in entries
        ]
        assert told == list(ENDS.values())
        first = entries[0]
        assert (first["MX/exposureTime"][()], first["MX/numberOfImages"][()]) == (0.01, 3)
        assert 1e11 < first["MX/flux"][()] < 1e12
        assert (text(first, "MX/motorsName"), text(first, "MX/scanType")) == ("phiy", "SAD")
        assert images_of(first) == [f"normal_1_{image:04d}.cbf" for image in (1, 2, 3)]


@pytest.mark.timeout(120)
def test_a_daemon_that_is_away_changes_no_collection(tmp_path: Path):
    own = CONFIGURATION.replace("id30a1/nxscribe/main", "//localhost:1/sim/nxscribe/nowhere")
    became = run(
        tmp_path, images=str(tmp_path), proposal="mx415", own=own, collections=["normal", "unforeseen", "after_all"]
    )
    assert became["normal"] == became["after_all"] == "Data collection successful"
    told = [line for line in (tmp_path / "HWR.log").read_text().splitlines() if "nxscribe: " in line]
    assert len(told) == 3
    assert all("this data collection is not recorded: " in line for line in told)
    assert "sim/nxscribe/nowhere" in told[0]


@pytest.mark.timeout(120)
def test_what_the_daemon_refuses_is_in_the_log_of_mxcube(mx: Daemon, tmp_path: Path):
    own = CONFIGURATION.replace("id30a1/nxscribe/main", mx.devices[0]).replace("technique: mx", "technique: none")
    became = run(tmp_path, images=str(mx.data), proposal="mx417", own=own, collections=["normal"])
    assert became["normal"] == "Data collection successful"
    (told,) = [line for line in (tmp_path / "HWR.log").read_text().splitlines() if "nxscribe: " in line]
    assert "this data collection is not recorded: " in told
    assert "technique" in told


@pytest.mark.timeout(120)
def test_an_end_that_the_daemon_does_not_answer_is_in_the_log_of_mxcube(
    make_daemon: Callable[..., Daemon], tmp_path: Path
):
    daemon = with_crystallography(make_daemon()).start()
    assert daemon.process
    own = CONFIGURATION.replace("id30a1/nxscribe/main", daemon.devices[0])
    killed = "daemon_is_killed"
    became = run(
        tmp_path, images=str(daemon.data), proposal="mx418", own=own, collections=[killed], daemon=daemon.process.pid
    )
    assert became[killed] == "Data collection successful"
    (told,) = [line for line in (tmp_path / "HWR.log").read_text().splitlines() if "nxscribe: " in line]
    assert "the end of this data collection was not recorded: " in told
    assert daemon.devices[0] in told


@pytest.mark.timeout(120)
def test_the_unmodified_older_client_records_a_whole_collection(mx: Daemon, tmp_path: Path):
    server = MetadataServer(mx.devices[0], tmp_path)
    server.register()
    server.start()
    try:
        became = run(
            tmp_path,
            images=str(mx.data),
            proposal="mx416",
            own="",
            manager=server.manager,
            experiment=server.experiment,
        )
    finally:
        server.kill()
    assert became == {"older": "told"}
    mx.await_files()
    (master,) = mx.data.rglob("mx416-sim.h5")
    with h5py.File(master) as file:
        (entry,) = file.values()
        assert text(entry, "title") == "older - older_1_4711"
        assert text(entry, "nxscribe/end_reason") == "finished"
        assert (entry["MX/exposureTime"][()], entry["MX/numberOfImages"][()]) == (0.01, 3)
        assert text(entry, "MX/template") == "older_1_####.cbf"
        assert set(images_of(entry)) >= {f"older_1_{image:04d}.cbf" for image in (1, 2, 3)}
