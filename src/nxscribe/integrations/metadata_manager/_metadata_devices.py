"""The two Tango device classes, as their clients know them."""

# ruff: noqa: N802, N815 - properties, attributes and commands have the names that the clients know

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

import tango
from tango import AttrWriteType, DevState
from tango.server import Device, attribute, command, device_property

from nxscribe.client import ClientError, CommandFailedError, ScribeClient
from nxscribe.integrations.metadata_manager._dataset_session import FOLDER_PATTERN, DatasetSession, DatasetState
from nxscribe.tango_text import REASON_PREFIX, REFUSED, in_ascii, sendable, text_of, words_of

log = logging.getLogger("nxscribe.metadata_manager")

WRITTEN_BY_CLIENTS: Final = (
    *(f"MX_beam{what}" for what in ("Shape", "SizeAtSampleX", "SizeAtSampleY")),
    *(f"MX_oscillation{what}" for what in ("Range", "Start", "Overlap")),
    *("MX_dataCollectionId", "MX_directory", "MX_exposureTime", "MX_flux", "MX_fluxEnd", "MX_numberOfImages"),
    *("MX_resolution", "MX_startImageNumber", "MX_scanType", "MX_template", "MX_transmission", "MX_xBeam", "MX_yBeam"),
    *("MX_motors_name", "MX_motors_value", "MX_detectorDistance", "MX_aperture"),
    *("InstrumentMonochromator_wavelength", "ResourcesGalleryFilePaths"),
)
"""Attributes that clients write whatever the definition is: MXCuBE does not end the scan if one of them is missing."""

_TIMEOUT_S: Final = 2.5
"""Shorter than the three seconds for which Tango's clients wait."""
_LEARNED: Final = "learnedPlaceholders"
"""The device property with the placeholders of the last run, for a start without the daemon."""
_LONGEST_LIST: Final = 1000
_OF_EXPERIMENT: Final = ("proposal", "sample", "dataRoot")
_OF_DATASET: Final = ("scanName", "datasetName")


def _session(experiment: str) -> DatasetSession:
    """The session of a MetaExperiment, by the name of the device. It outlives the command Init."""
    return _SESSIONS.setdefault(experiment.lower(), DatasetSession())


_SESSIONS: Final[dict[str, DatasetSession]] = {}


def _remembered(device: str, names: Iterable[str]) -> dict[str, str]:
    """The memorized values of attributes, as Tango keeps them in its database."""
    told = tango.Util.instance().get_database().get_device_attribute_property(device, {name: [] for name in names})
    return {name: text_of(kept["__value"][0]) for name, kept in told.items() if kept.get("__value")}


def _forget(device: str, names: Iterable[str]) -> None:
    """Drop memorized values that hold no more: those of another sample would come back after a restart."""
    if device:
        with _told_only("memorized values are not dropped"):
            database = tango.Util.instance().get_database()
            database.delete_device_attribute_property(device, {name: ["__value"] for name in names})


@contextmanager
def _told_only(what: str) -> Iterator[None]:
    """Log an error of the Tango database: no client waits for that."""
    try:
        yield
    except tango.DevFailed as error:
        log.warning("%s: %s", what, words_of(error.args))


class MetaExperiment(Device):
    """The experiment and its sample."""

    beamlineID = device_property(dtype=str, default_value="", doc="The name of the beamline; clients read it")

    proposal = attribute(dtype=str, access=AttrWriteType.READ_WRITE, memorized=True, doc="The experiment")
    sample = attribute(dtype=str, access=AttrWriteType.READ_WRITE, memorized=True, doc="The sample")
    dataRoot = attribute(dtype=str, access=AttrWriteType.READ_WRITE, memorized=True, doc="The folder of the data")

    managers: ClassVar[dict[str, str]] = {}
    """The MetadataManager of each MetaExperiment."""
    served: ClassVar[set[str]] = set()
    """The devices of this server. They are made before those of the other class."""

    def init_device(self) -> None:
        """Take up what was memorized."""
        super().init_device()
        self.served.add(self.get_name().lower())
        self._session = _session(self.get_name())
        if not self._session.proposal:
            with _told_only("nothing memorized is taken up"):
                kept = _remembered(self.get_name(), _OF_EXPERIMENT)
                if proposal := kept.get("proposal"):
                    self._session.name_experiment(proposal)
                    self._session.sample = kept.get("sample", self._session.sample)
                    self._session.data_root = kept.get("dataRoot", self._session.data_root)
        self.set_state(DevState.ON)

    def read_proposal(self) -> str:
        """The experiment."""
        return sendable(self._session.proposal)

    def write_proposal(self, text: str) -> None:
        """Begin an experiment."""
        self._session.name_experiment(text_of(text).strip())
        _forget(self.get_name(), ("sample", "dataRoot"))
        self._forget_dataset()

    def read_sample(self) -> str:
        """The sample."""
        return sendable(self._session.sample)

    def write_sample(self, text: str) -> None:
        """Begin a sample."""
        self._session.name_sample(text_of(text).strip())
        self._forget_dataset()

    def read_dataRoot(self) -> str:
        """The folder of the data."""
        return sendable(self._session.data_root)

    def write_dataRoot(self, text: str) -> None:
        """Set the folder of the data."""
        self._session.data_root = text_of(text).strip()

    def _forget_dataset(self) -> None:
        _forget(self.managers.get(self.get_name().lower(), ""), _OF_DATASET)


class MetadataManager(Device):
    """The dataset."""

    beamlineID = device_property(dtype=str, default_value="", doc="The name of the beamline")
    dataFolderPattern = device_property(dtype=str, default_value=FOLDER_PATTERN, doc="The folder of a dataset's files")
    metaExperimentDevice = device_property(dtype=str, default_value="", doc="The MetaExperiment, in this server")
    Parameters = device_property(dtype=(str,), default_value=(), doc="More attributes than the placeholders")
    nxscribeDevice = device_property(dtype=str, default_value="", doc="The daemon's device")
    technique = device_property(
        dtype=str, default_value="", doc="The technique of each dataset, from nxscribe's config"
    )
    timeout = device_property(
        dtype=float, default_value=_TIMEOUT_S, doc="How long the daemon is waited for, in seconds"
    )
    learnedPlaceholders = device_property(dtype=(str,), default_value=(), doc="Kept for a start without the daemon")

    scanName = attribute(dtype=str, access=AttrWriteType.READ_WRITE, memorized=True, fisallowed="is_dataset_allowed")
    datasetName = attribute(dtype=str, access=AttrWriteType.READ_WRITE, memorized=True, fisallowed="is_dataset_allowed")
    lastDataFile = attribute(dtype=str, access=AttrWriteType.READ_WRITE)
    dataFolder = attribute(dtype=str, access=AttrWriteType.READ_WRITE)
    metadataFile = attribute(dtype=str, access=AttrWriteType.READ_WRITE, memorized=True)
    proposal = attribute(dtype=str)
    sampleName = attribute(dtype=str)
    messageList = attribute(dtype=(str,), max_dim_x=_LONGEST_LIST)

    def init_device(self) -> None:
        """Take up what was memorized, and a dataset that the daemon still runs."""
        super().init_device()
        experiment = self.metaExperimentDevice.lower()
        MetaExperiment.managers[experiment] = self.get_name()
        self._client = ScribeClient(self.nxscribeDevice, timeout_s=self.timeout, raises=True)
        self._session = _session(experiment)
        self._session.serve(self._client, self.technique, self.beamlineID, self.dataFolderPattern)
        self._has_learned = False
        if not self._session.dataset:
            with _told_only("nothing memorized is taken up"):
                kept = _remembered(self.get_name(), (*_OF_DATASET, "metadataFile"))
                self._session.metadata_file = kept.get("metadataFile", "")
                if self._session.has_sample and (dataset := kept.get("scanName") or kept.get("datasetName")):
                    self._session.name_dataset(dataset)
                    self._session.take_up()

    def initialize_dynamic_attributes(self) -> None:
        """One attribute for each placeholder."""
        self._expose((*WRITTEN_BY_CLIENTS, *self.Parameters))
        if not self._fault:
            self._learn()
        if not self._has_learned:
            self._expose(self.learnedPlaceholders)

    def _learn(self) -> None:
        """Ask the daemon for the placeholders of the technique."""
        try:
            names = self._client.placeholders(self.technique)
        except ClientError as error:
            log.warning("the placeholders of %s are not known: %s", self.technique, error)
            self._session.note(str(error))
            return
        self._has_learned = True
        self._expose(names)
        if list(self.learnedPlaceholders) != names:
            with _told_only("the placeholders are not kept"):
                tango.Util.instance().get_database().put_device_property(self.get_name(), {_LEARNED: names})

    def _expose(self, names: Iterable[str]) -> None:
        own = {one.get_name().lower() for one in self.get_device_attr().get_attribute_list()}
        for name in names:
            if name.lower() not in own:
                own.add(name.lower())
                self.add_attribute(
                    attribute(
                        name=name,
                        dtype=str,
                        access=AttrWriteType.READ_WRITE,
                        fget=self._read_value,
                        fset=self._write_value,
                    )
                )

    def _read_value(self, attr: tango.Attribute) -> str:
        return sendable(self._session.value(attr.get_name()))

    def _write_value(self, attr: tango.WAttribute) -> None:
        self._session.set_values({attr.get_name(): text_of(attr.get_write_value())})

    @property
    def _fault(self) -> str:
        """What is wrong with the properties; empty if nothing is.

        None of them is mandatory for PyTango, which ends a server in silence if such a one is missing.
        """
        if not self.nxscribeDevice:
            return "the property nxscribeDevice is not set: it names the device of the daemon, as id30a1/nxscribe/main"
        if self.metaExperimentDevice.lower() not in MetaExperiment.served:
            named = self.metaExperimentDevice or "nothing"
            return f"the property metaExperimentDevice names {named}, which is not a MetaExperiment of this server"
        return ""

    def dev_state(self) -> DevState:
        """OFF, STANDBY, ON or RUNNING; FAULT if the properties cannot be used."""
        return DevState.FAULT if self._fault else getattr(DevState, self._session.state)

    def dev_status(self) -> str:
        """What a client may do next, and the last message."""
        if self._fault:
            return self._fault
        what = {
            DatasetState.OFF: "no experiment is named",
            DatasetState.STANDBY: "the sample or the dataset is not named",
            DatasetState.ON: "ready",
            DatasetState.RUNNING: f"{self._session.sample} - {self._session.dataset} runs",
        }
        return sendable("\n".join([what[self._session.state], *self._session.messages[-1:]]))

    def is_dataset_allowed(self, _request: tango.AttReqType) -> bool:
        """Without an experiment and a sample there is no dataset: Tango then answers API_AttrNotAllowed."""
        return self._session.has_sample

    def read_scanName(self) -> str:
        """The dataset, as clients of version 1 call it."""
        return sendable(self._session.dataset)

    def write_scanName(self, text: str) -> None:
        """Set it."""
        self._session.name_dataset(text_of(text).strip())
        _forget(self.get_name(), ("datasetName",))

    def read_datasetName(self) -> str:
        """The dataset, as clients of version 4 call it."""
        return sendable(self._session.dataset)

    def write_datasetName(self, text: str) -> None:
        """Set it."""
        self._session.name_dataset(text_of(text).strip())
        _forget(self.get_name(), ("scanName",))

    def read_lastDataFile(self) -> str:
        """Write each raw file, by its path or its name in the folder; read the last one."""
        return sendable(self._session.last_file)

    def write_lastDataFile(self, text: str) -> None:
        """Set it."""
        self._session.name_file(text_of(text).strip())

    def read_dataFolder(self) -> str:
        """The folder of the dataset's files."""
        return sendable(self._session.folder)

    def write_dataFolder(self, text: str) -> None:
        """Set it."""
        self._session.folder = text_of(text).strip()

    def read_metadataFile(self) -> str:
        """The master file of the last dataset. nxscribe decides where it is: what is written holds until the start."""
        return sendable(self._session.metadata_file)

    def write_metadataFile(self, text: str) -> None:
        """Set it."""
        self._session.metadata_file = text_of(text).strip()

    def read_proposal(self) -> str:
        """The experiment."""
        return sendable(self._session.proposal)

    def read_sampleName(self) -> str:
        """The sample."""
        return sendable(self._session.sample)

    def read_messageList(self) -> list[str]:
        """The last messages; the newest is the last one."""
        return sendable(self._session.messages)

    def is_StartScan_allowed(self) -> bool:
        """When a dataset is named."""
        return not self._fault and self._session.state is DatasetState.ON

    def is_EndScan_allowed(self) -> bool:
        """While a dataset runs."""
        return self._session.state is DatasetState.RUNNING

    is_StartDataset_allowed = is_StartScan_allowed
    is_EndDataset_allowed = is_AbortScan_allowed = is_AbortDataset_allowed = is_EndScan_allowed

    @command
    def StartScan(self) -> None:
        """Start the dataset."""
        with self._answering("StartScan"):
            self._session.start()
        if not self._has_learned:
            self._learn()

    @command
    def EndScan(self) -> None:
        """End the dataset."""
        with self._answering("EndScan"):
            self._session.end()
        _forget(self.get_name(), _OF_DATASET)

    @command
    def AbortScan(self) -> None:
        """End the dataset as aborted."""
        with self._answering("AbortScan"):
            self._session.abort()
        _forget(self.get_name(), _OF_DATASET)

    @command
    def StartDataset(self) -> None:
        """Start the dataset."""
        self.StartScan()

    @command
    def EndDataset(self) -> None:
        """End the dataset."""
        self.EndScan()

    @command
    def AbortDataset(self) -> None:
        """End the dataset as aborted."""
        self.AbortScan()

    @command(doc_in='{"name": value, ...}')
    def SetParameters(self, parameters: str) -> None:
        """Set values of the dataset that runs, or of the next one."""
        try:
            given = json.loads(text_of(parameters))
            self._session.set_values(dict(given))
        except (ValueError, TypeError) as error:
            told = f'send one JSON object {{"name": value, ...}}: {error}'
            tango.Except.throw_exception(REFUSED, in_ascii(told), "SetParameters")

    @command
    def notifyInfo(self, message: str) -> None:
        """Keep a message."""
        self._session.note(text_of(message))

    @command
    def notifyDebug(self, message: str) -> None:
        """Keep a message."""
        self._session.note(text_of(message))

    @command
    def notifyError(self, message: str) -> None:
        """Keep a message."""
        self._session.note(text_of(message))

    @command
    def notifyCommand(self, message: str) -> None:
        """Keep a message."""
        self._session.note(text_of(message))

    @command
    def userComment(self, message: str) -> None:
        """Keep a message."""
        self._session.note(text_of(message))

    @command
    def uploadBase64(self, _picture: str) -> None:
        """Take a picture for the logbook, which nxscribe does not have."""
        self._session.note("a picture was not kept: nxscribe has no logbook")

    @command
    def setDatasetParentLocation(self, folder: str) -> None:
        """Name the folder of the dataset from which the next one is made."""
        self._session.parent = text_of(folder).strip()

    @command
    def getDatasetParentLocation(self) -> str:
        """Give this folder back."""
        return sendable(self._session.parent)

    @command
    def clearDatasetParentLocation(self) -> None:
        """Forget this folder."""
        self._session.parent = ""

    @contextmanager
    def _answering(self, name: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            reason = f"{REASON_PREFIX}Failed" if isinstance(error, CommandFailedError) else REFUSED
            told = "\n".join(problem.explanation for problem in error.problems)
            tango.Except.throw_exception(reason, in_ascii(told), name)
