"""The ESRF's MetadataManager and MetaExperiment in front of a real daemon, as their clients drive them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import h5py
import pytest
import tango
from daemons import START_S, Daemon, wait_until
from metadata_servers import PROGRAM, MetadataServer, answers, with_crystallography
from tango import DevState

PAGE = (Path(__file__).parents[2] / "docs/how-to/metadata-manager.md").read_text()
EXPERIMENTS = count(1)
Pair = tuple[tango.DeviceProxy, tango.DeviceProxy]


@pytest.fixture(scope="module")
def mx(beamline: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the technique of the devices below."""
    assert beamline
    folder = tmp_path_factory.mktemp("mx")
    daemon = with_crystallography(Daemon(folder, folder.name)).start()
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def server(mx: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MetadataServer]:
    started = MetadataServer(mx.devices[0], tmp_path_factory.mktemp("server"))
    started.register()
    started.start()
    yield started
    started.kill()


@pytest.fixture
def devices(server: MetadataServer, mx: Daemon) -> Pair:
    """The two devices, with an experiment of the test's own to name."""
    mx.proposal = f"ma{next(EXPERIMENTS)}"
    experiment, manager = server.proxies()
    if manager.state() == DevState.RUNNING:
        manager.AbortScan()
    return experiment, manager


def reason_of(raised: pytest.ExceptionInfo[tango.DevFailed]) -> str:
    return raised.value.args[0].reason


def entry(daemon: Daemon, number: int = 1) -> h5py.Group:
    daemon.await_files()
    with h5py.File(daemon.entry_file(number)) as file:
        (found,) = file.values()
        return json.loads(json.dumps(_plain(found)))


def _plain(node: h5py.Group | h5py.Dataset) -> object:
    if isinstance(node, h5py.Group):
        return {name: _plain(child) for name, child in node.items() if node.get(name) is not None}
    value = node.asstr()[()] if h5py.check_string_dtype(node.dtype) else node[()]
    return value.tolist() if hasattr(value, "tolist") else value


def test_version_1_names_an_experiment_and_runs_a_scan(devices: Pair, mx: Daemon):
    experiment, manager = devices
    experiment.proposal = mx.proposal
    assert (experiment.sample, experiment.dataRoot) == ("please enter", "/data/visitor")
    experiment.dataRoot = str(mx.data)
    experiment.sample = "lysozyme"
    assert experiment.dataRoot == str(mx.data)
    assert manager.state() == DevState.STANDBY
    manager.scanName = "lysozyme_1_4711"
    assert (experiment.state(), manager.state()) == (DevState.ON, DevState.ON)
    assert manager.dataFolder == f"{mx.data}/{mx.proposal}/sim/lysozyme/lysozyme_1_4711"
    manager.StartScan()
    assert manager.state() == DevState.RUNNING
    for number in range(2):
        manager.lastDataFile = f"{mx.data}/lysozyme_{number}.h5"
    manager.lastDataFile = "lysozyme_bare.h5"
    manager.MX_exposureTime = "0.04"
    manager.MX_numberOfImages = "100"
    manager.MX_aperture = "50"
    manager.ResourcesGalleryFilePaths = "/data/here/gallery.png"
    manager.endScan()
    assert manager.state() == DevState.STANDBY
    assert manager.scanName == ""
    assert manager.metadataFile == str(mx.master)
    written = entry(mx)
    assert written["title"] == "lysozyme - lysozyme_1_4711"
    assert written["MX"]["exposureTime"] == 0.04
    assert written["MX"]["numberOfImages"] == 100
    assert written["nxscribe"]["end_reason"] == "finished"
    assert written["nxscribe"]["parameters"]["MX_aperture"] == "50"
    files = {Path(file).name for file in written["nxscribe"]["pending"]}
    assert {"lysozyme_0.h5", "lysozyme_1.h5", "lysozyme_bare.h5"} <= files


def test_mxcube_meets_a_scan_that_nobody_ended_and_ends_it_first(devices: Pair, mx: Daemon):
    experiment, manager = devices
    for name in ("first", "second"):
        if manager.state() == DevState.RUNNING:
            manager.endScan()
        for proxy, attribute, value in (
            (experiment, "proposal", mx.proposal),
            (experiment, "dataRoot", "/data/here"),
            (experiment, "sample", "lysozyme"),
            (manager, "scanName", name),
        ):
            proxy.write_attribute(attribute, value)
            assert proxy.read_attribute(attribute).value == value
        assert (str(experiment.state()), str(manager.state())) == ("ON", "ON")
        manager.StartScan()
    manager.endScan()
    assert [entry(mx, number)["nxscribe"]["end_reason"] for number in (1, 2)] == ["finished", "finished"]


def test_scipion_aborts_what_runs_and_reads_messages(devices: Pair, mx: Daemon):
    experiment, manager = devices
    for name in ("left_open", "grid_1"):
        if manager.state() == DevState.RUNNING:
            manager.AbortDataset()
        experiment.proposal, experiment.dataRoot, experiment.sample = mx.proposal, str(mx.data), "ribosome"
        manager.datasetName = name
        assert manager.state() == DevState.ON
        manager.StartDataset()
    movie = mx.data / mx.proposal / "sim/ribosome/grid_1/movies/m1.h5"
    movie.parent.mkdir(parents=True)
    h5py.File(movie, "w").close()
    manager.lastDataFile = "movies/m1.h5"
    manager.notifyInfo("the microscope is at 300 kV")
    manager.uploadBase64("aGVsbG8=")
    assert any(message.endswith("the microscope is at 300 kV") for message in manager.messageList)
    manager.EndDataset()
    assert entry(mx, 1)["nxscribe"]["end_reason"] == "aborted"
    written = entry(mx, 2)
    assert written["nxscribe"]["end_reason"] == "finished"
    assert written["measurement"]["files"] == ["ribosome/grid_1/movies/m1.h5"]


def test_bliss_waits_for_the_states_and_sends_parameters_as_json(devices: Pair, mx: Daemon):
    experiment, manager = devices
    experiment.proposal = mx.proposal
    experiment.sample = "bone3"
    wait_until(lambda: manager.state() == DevState.STANDBY, "a sample is named")
    manager.datasetName = "0001"
    experiment.dataRoot = "/data/here"
    assert manager.datasetName == "0001"
    manager.setDatasetParentLocation("/data/here/raw/0001")
    manager.StartDataset()
    wait_until(lambda: manager.state() == DevState.RUNNING, "the dataset runs")
    assert manager.getDatasetParentLocation() == "/data/here/raw/0001"
    manager.SetParameters(json.dumps({"MX_scanType": "OSC", "definition": "MX", "MX_flux": "1.5e12", "a_number": 3}))
    assert manager.MX_scanType == "OSC"
    manager.EndDataset()
    wait_until(lambda: manager.state() != DevState.RUNNING, "the dataset has ended")
    assert (manager.state(), manager.getDatasetParentLocation()) == (DevState.STANDBY, "")
    written = entry(mx)
    assert (written["MX"]["scanType"], written["MX"]["flux"]) == ("OSC", 1.5e12)
    told = written["nxscribe"]["parameters"]
    assert (told["datasetParentLocation"], told["definition"], told["a_number"]) == ("/data/here/raw/0001", "MX", 3)


def test_what_cannot_be_done_now_has_the_reasons_that_clients_try_again_for(devices: Pair, mx: Daemon):
    experiment, manager = devices
    experiment.proposal = ""
    assert manager.state() == DevState.OFF
    with pytest.raises(tango.DevFailed) as unread:
        manager.read_attribute("datasetName").value  # noqa: B018 - it raises
    with pytest.raises(tango.DevFailed) as unwritten:
        manager.scanName = "a1"
    assert [reason_of(raised) for raised in (unread, unwritten)] == ["API_AttrNotAllowed"] * 2
    experiment.proposal, experiment.sample = mx.proposal, "bone"
    for command in ("StartScan", "StartDataset", "EndScan", "EndDataset", "AbortScan", "AbortDataset"):
        with pytest.raises(tango.DevFailed) as raised:
            manager.command_inout(command)
        assert reason_of(raised) == "API_CommandNotAllowed"
    manager.datasetName = "../../etc"
    with pytest.raises(tango.DevFailed) as refused:
        manager.StartDataset()
    assert reason_of(refused) == "NXSCRIBE_Refused"
    assert "etc" in refused.value.args[0].desc
    with pytest.raises(tango.DevFailed) as raised:
        manager.SetParameters("[1]")
    assert reason_of(raised) == "NXSCRIBE_Refused"


def test_a_new_name_ends_a_dataset_that_its_client_has_left_open(devices: Pair, mx: Daemon):
    experiment, manager = devices
    experiment.proposal, experiment.sample, manager.datasetName = mx.proposal, "bone", "a1"
    manager.StartDataset()
    manager.MX_scanType = "OSC"
    manager.datasetName = "a1"  # nothing new
    assert manager.state() == DevState.RUNNING
    experiment.sample = "bone"
    assert manager.state() == DevState.STANDBY
    manager.datasetName = "a2"
    manager.StartDataset()
    manager.EndDataset()
    told = entry(mx)["nxscribe"]
    assert (told["end_reason"], told["reason"]) == (
        "interrupted",
        "the sample bone was named before the dataset was ended",
    )
    assert "MX" not in entry(mx, 2) or "scanType" not in entry(mx, 2)["MX"]


def test_every_placeholder_is_an_attribute_whatever_its_letter_case(devices: Pair):
    _, manager = devices
    names = manager.get_attribute_list()
    assert {"energy", "exposure", "MX_numberOfImages", "MX_beamShape", "ResourcesGalleryFilePaths"} <= set(names)
    assert len({name.lower() for name in names}) == len(names)
    manager.write_attribute("mx_scantype", "Helical")
    assert manager.MX_scanType == "Helical"
    config = manager.get_attribute_config("energy")
    assert config.data_type == tango.CmdArgType.DevString


def test_properties_that_cannot_be_used_are_told_by_the_device(tmp_path: Path, tango_host: str):
    assert tango_host
    server = MetadataServer("sim/nxscribe/any", tmp_path)
    server.register()
    database = tango.Database()
    database.delete_device_property(server.manager, "nxscribeDevice")
    server.start()
    try:
        _, manager = server.proxies()
        assert manager.state() == DevState.FAULT
        assert "nxscribeDevice is not set" in manager.status()
        other = {"nxscribeDevice": "sim/nxscribe/any", "metaExperimentDevice": "sim/nxscribe/other"}
        database.put_device_property(server.manager, other)
        manager.Init()
        assert manager.state() == DevState.FAULT
        assert "sim/nxscribe/other, which is not a MetaExperiment" in manager.status()
    finally:
        server.kill()


def test_a_registration_that_lacks_the_daemon_or_the_technique_is_refused_with_an_example():
    for words in ([], ["--nxscribe", "sim/nxscribe/main"], ["--technique", "mx"]):
        done = subprocess.run([PROGRAM, "any", "--register", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "--nxscribe id30a1/nxscribe/main --technique mx" in done.stderr


def test_letters_beyond_ascii_come_back_and_reach_the_file(devices: Pair, mx: Daemon):
    experiment, manager = devices
    experiment.proposal, experiment.sample = mx.proposal, "Knochen für µCT".encode().decode("latin-1")
    assert experiment.sample == "Knochen für µCT"
    manager.scanName = "a1"
    manager.StartScan()
    manager.EndScan()
    assert entry(mx)["title"] == "Knochen für µCT - a1"


def test_a_restarted_server_takes_up_the_dataset_that_runs(devices: Pair, server: MetadataServer, mx: Daemon):
    experiment, manager = devices
    experiment.proposal, experiment.sample, experiment.dataRoot = mx.proposal, "bone", "/data/here"
    manager.scanName = "a1"
    manager.StartScan()
    server.kill()
    server.start()
    assert (experiment.proposal, experiment.sample, experiment.dataRoot) == (mx.proposal, "bone", "/data/here")
    assert (manager.scanName, manager.state()) == ("a1", DevState.RUNNING)
    manager.MX_exposureTime = "0.5"
    manager.EndScan()
    assert entry(mx)["MX"]["exposureTime"] == 0.5
    experiment.sample = "bone"
    server.kill()
    server.start()
    assert (experiment.dataRoot, manager.scanName, manager.state()) == ("/data/here", "", DevState.STANDBY)


def test_what_is_set_while_the_daemon_is_away_reaches_it_with_the_end(devices: Pair, mx: Daemon):
    experiment, manager = devices
    experiment.proposal, experiment.sample, manager.scanName = mx.proposal, "bone", "a1"
    manager.StartScan()
    assert mx.process
    mx.process.kill()
    mx.process.wait()
    manager.MX_exposureTime = "0.5"
    manager.lastDataFile = f"{mx.data}/late.h5"
    manager.MX_flux = "1e12"
    assert any("cannot be reached" in message for message in manager.messageList)
    mx.start()
    manager.EndScan()
    written = entry(mx)
    assert (written["MX"]["exposureTime"], written["MX"]["flux"]) == (0.5, 1e12)
    assert "late.h5" in str(written["nxscribe"]["pending"])
    assert written["nxscribe"]["end_reason"] == "finished"


def test_an_end_for_which_the_daemon_hangs_costs_one_time_out_and_loses_nothing(devices: Pair, mx: Daemon):
    experiment, manager = devices
    experiment.proposal, experiment.sample, manager.scanName = mx.proposal, "bone", "a1"
    manager.StartScan()

    def time_outs() -> int:
        return sum("did not answer" in message for message in manager.messageList)

    before = time_outs()
    with mx.stopped():
        manager.MX_exposureTime = "0.5"
        manager.lastDataFile = f"{mx.data}/hung.h5"
        assert time_outs() == before + 1
        with pytest.raises(tango.DevFailed) as raised:
            manager.EndScan()
        assert reason_of(raised) == "NXSCRIBE_Failed"
        assert time_outs() == before + 2
    wait_until(lambda: mx.proxy.currentScan == "", "the scan has ended", 60)
    manager.EndScan()  # as a client does that sends again what failed
    written = entry(mx)
    assert written["MX"]["exposureTime"] == 0.5
    assert "hung.h5" in str(written["nxscribe"]["pending"])
    assert written["nxscribe"]["end_reason"] == "finished"


def test_the_page_sets_the_server_up_and_tests_it(mx: Daemon):
    """Its lines run as they are written, with other names."""
    experiment = f"ma{next(EXPERIMENTS)}"

    def here(text: str) -> str:
        named = text.replace("id30a1/nxscribe/main", mx.devices[0]).replace("ma2210", experiment)
        return named.replace("id30a1", f"page{os.getpid()}").replace("/data/visitor", str(mx.data))

    (commands,) = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    register, serve = here(commands.replace("$ nxscribe-metadata-manager", str(PROGRAM))).splitlines()
    subprocess.run(register.split(), check=True, capture_output=True)
    process = subprocess.Popen(serve.split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        device = here("id30a1/metadata/ingest")
        wait_until(lambda: answers(device), f"{device} answers", START_S, every_s=0.05)
        printed = subprocess.run([sys.executable, "-c", here(program)], check=True, capture_output=True, text=True)
    finally:
        process.kill()
        process.wait()
    mx.proposal = experiment
    assert printed.stdout.strip() == str(mx.master)
    assert entry(mx)["MX"]["exposureTime"] == 0.04
