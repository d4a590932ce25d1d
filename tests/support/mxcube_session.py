"""A session of MXCuBE with mxcubecore's mock-ups: run by the Python of its own environment, not by that of the tests.

    python mxcube_session.py FOLDER JSON

It sets a beamline up in the folder, runs the collections that the JSON names, and prints as JSON what became of each.
"""

from gevent import monkey

monkey.patch_all(thread=False)  # as mxcubeweb does

import json  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402

warnings.simplefilter("ignore")

from mxcubecore import HardwareRepository  # noqa: E402
from mxcubecore.HardwareObjects.ESRF.ESRFMetadataManagerClient import MXCuBEMetadataClient  # noqa: E402

MOCKUPS = "mxcubecore.HardwareObjects.mockup"
MOTOR = (f"{MOCKUPS}.MotorMockup.MotorMockup", {}, {})
MOTORS = ("omega", "kappa", "kappa_phi", "phiy", "phiz", "sampx", "sampy")
WAIT_S = 60
MOST_FILES = 3


def beamline(folder, own):
    """Write its files: class, configuration and objects of each role."""
    files = {
        "base_directory": str(folder),
        "processed_data_base_directory": str(folder),
        "archive_base_directory": str(folder),
    }
    detector = {
        "width": 2070,
        "height": 2167,
        "px": 0.075,
        "py": 0.075,
        "beam": {"ax": 0, "bx": 1035, "ay": 0, "by": 1083},
    }
    flux = {"default_value": 1e12, "default_beam_size": [0.05, 0.05]}
    names = {"synchrotron_name": "SIM", "beamline_name": "sim", "endstation_name": "sim", "file_info": files}
    objects = {
        "session": ("mxcubecore.HardwareObjects.Session.Session", names, {}),
        "energy": (f"{MOCKUPS}.EnergyMockup.EnergyMockup", {}, {}),
        "transmission": (f"{MOCKUPS}.TransmissionMockup.TransmissionMockup", {"default_value": 50.0}, {}),
        "flux": (f"{MOCKUPS}.FluxMockup.FluxMockup", flux, {}),
        "beam": (f"{MOCKUPS}.BeamMockup.BeamMockup", {}, {}),
        "distance": MOTOR,
        "detector": (f"{MOCKUPS}.DetectorMockup.DetectorMockup", detector, {"detector_distance": "distance"}),
        "resolution": (f"{MOCKUPS}.ResolutionMockup.ResolutionMockup", {}, {}),
        **dict.fromkeys(MOTORS, MOTOR),
        "diffractometer": (
            f"{MOCKUPS}.DiffractometerMockup.DiffractometerMockup",
            {"motors": list(MOTORS), "nstate_equipment": []},
            {motor: motor for motor in MOTORS},
        ),
        "lims": (f"{MOCKUPS}.ISPyBClientMockup.ISPyBClientMockup", {}, {}),
        "collect": (f"{MOCKUPS}.CollectMockup.CollectMockup", {}, {}),
    }
    for role, (kind, configuration, below) in objects.items():
        told = {
            "class": kind,
            "configuration": configuration,
            "objects": {one: f"{of}.yaml" for one, of in below.items()},
        }
        (folder / f"{role}.yaml").write_text(json.dumps(told))  # YAML can read JSON
    roles = {role: f"{role}.yaml" for role in objects if role not in ("distance", *MOTORS)}
    if own:
        (folder / "nxscribe.yaml").write_text(own)
        roles["nxscribe"] = "nxscribe.yaml"
    told = {"class": "mxcubecore.HardwareObjects.Beamline.Beamline", "configuration": {}, "objects": roles}
    (folder / "beamline_config.yml").write_text(json.dumps(told))
    HardwareRepository.init_hardware_repository(str(folder))
    HardwareRepository.beamline.session.proposal_code = "mx"
    return HardwareRepository.beamline


def parameters(folder, name, images):
    """What a queue entry tells of a collection, whose first images are there: the mock-ups write none."""
    for image in range(1, min(images, MOST_FILES) + 1):
        (folder / f"{name}_1_{image:04d}.cbf").write_bytes(b"an image")
    files = {
        "directory": str(folder),
        "prefix": name,
        "run_number": 1,
        "archive_directory": str(folder),
        "process_directory": str(folder),
        "template": f"{name}_1_%04d.cbf",
    }
    oscillation = {
        "exposure_time": 0.01,
        "number_of_images": images,
        "start_image_number": 1,
        "start": 0.0,
        "range": 0.1,
        "offset": 0.0,
    }
    return {
        "fileinfo": files,
        "sample_reference": {"sample_name": "lysozyme"},
        "oscillation_sequence": [oscillation],
        "experiment_type": "SAD",
        "motors": {"phiy": 1.0, "sampx": None},
        "take_snapshots": 0,
        "in_interleave": None,
        "processing": "False",
    }


class Session:
    """The beamline, and what a user does."""

    def __init__(self, folder, told):
        self.images, self.told = Path(told["images"]), told
        self.beamline = beamline(folder, told["own"])
        self.beamline.session.proposal_number = told["proposal"].removeprefix("mx")
        self.collect = self.beamline.collect
        self.hook = self.collect.data_collection_hook

    def run(self, name):
        """A collection, with the fault that its name says. Returns whether MXCuBE's own collection came to its end."""
        self.collect.data_collection_hook = self.hook
        self.collect.aborted_by_user = False
        getattr(self, f"prepare_{name}", lambda: None)()
        images = 3600 if name in ("stop_collect", "collection_stopped") else MOST_FILES
        self.collect.current_dc_parameters = told = parameters(self.images, name, images)
        # As `collect`, which waits for an event that does not come after some of these ends.
        self.collect.ready_event.clear()
        task = self.collect.data_collect_task = gevent.spawn(self.collect.do_collect, "test")
        getattr(self, f"during_{name}", lambda: None)()
        task.join(WAIT_S)
        assert task.dead, f"{name} did not end"
        with gevent.Timeout(WAIT_S):
            while self.beamline.get_object_by_role("nxscribe")._open:
                gevent.sleep(0.01)
        return str(told.get("status"))

    def prepare_runtime_error(self):
        def hook():
            raise RuntimeError("the detector does not answer")

        self.collect.data_collection_hook = hook

    def prepare_unforeseen(self):
        def hook():
            raise KeyError("no such axis")

        self.collect.data_collection_hook = hook

    def prepare_daemon_is_killed(self):
        def hook():
            os.kill(self.told["daemon"], signal.SIGKILL)

        self.collect.data_collection_hook = hook

    def during_stop_collect(self):
        self.wait_for_images()
        self.collect.stop_collect()

    def during_collection_stopped(self):
        self.wait_for_images()
        self.collect.collection_stopped()

    def wait_for_images(self):
        taken = gevent.event.Event()

        def take(*_):
            taken.set()

        self.collect.connect(self.collect, "collectImageTaken", take)
        assert taken.wait(WAIT_S)

    def run_older_client(self):
        """A whole collection with the client for MetadataManager that mxcubecore has, and nothing of nxscribe."""

        class Collect(dict):
            collection_id = 4711

        class Metadata:
            manager, experiment = self.told["manager"], self.told["experiment"]

        older = MXCuBEMetadataClient(Collect(metadata=Metadata()))
        told = parameters(self.images, "older", MOST_FILES)
        older.start(told)
        self.collect.collect("test", [told])
        self.collect.data_collect_task.join(WAIT_S)
        older.end(told)
        return "told" if older._metadataManagerClient else "failed"


def main():
    folder, told = Path(sys.argv[1]), json.loads(sys.argv[2])
    logging.getLogger("HWR").addHandler(logging.FileHandler(folder / "HWR.log"))
    session = Session(folder, told)
    if told["own"]:
        became = {name: session.run(name) for name in told["collections"]}
    else:
        became = {"older": session.run_older_client()}
    print(json.dumps(became))  # noqa: T201 - its result


main()
