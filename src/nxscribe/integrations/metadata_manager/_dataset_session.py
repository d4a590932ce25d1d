"""What clients of the two devices have written, and the dataset that runs. This module knows no Tango server."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from nxscribe.client import Answer, ClientError, CommandFailedError, ScribeClient
from nxscribe.errors import Problem

log = logging.getLogger("nxscribe.metadata_manager")

NO_SAMPLE: Final = "please enter"
"""The sample after a new experiment, until a client names one."""
VISITORS: Final = "/data/visitor"
"""The data root after a new experiment."""
FOLDER_PATTERN: Final = "{dataRoot}/{proposal}/{beamlineID}/{sampleName}/{scanName}"
_MESSAGES: Final = 100
"""How many messages are kept."""
_FIELD: Final = re.compile(r"\{(\w+)\}")
_SEE_PROPERTY: Final = "set the property metaExperimentDevice of its MetadataManager"
_PARENT: Final = "datasetParentLocation"
"""The parameter that tells the folder of the dataset from which this one was made."""


class DatasetState(StrEnum):
    """The states of a MetadataManager, by the names that Tango gives them."""

    OFF = "OFF"
    """No experiment is named."""
    STANDBY = "STANDBY"
    """The sample or the dataset is not named."""
    ON = "ON"
    """A dataset can start."""
    RUNNING = "RUNNING"
    """A dataset runs."""


class DatasetSession:
    """One experiment, its sample and its dataset, as a MetaExperiment and its MetadataManager share them.

    The daemon is told at once what clients set and name while a dataset runs. If it does not answer, the rest is kept
    and told with the end. Thus no write fails, and a client always comes to its end of the dataset.

    Threads may share it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._client: ScribeClient | None = None
        self._technique = ""
        self._beamline = ""
        self._pattern = FOLDER_PATTERN
        self.proposal = ""
        self.sample = ""
        self.data_root = VISITORS
        self.dataset = ""
        self.last_file = ""
        self.metadata_file = ""
        self.parent = ""
        """The folder of the dataset from which the next one is made."""
        self._folder = ""
        """The folder that a client has written, instead of the one by the pattern."""
        self._values: dict[str, str] = {}
        self._record = self._entry = ""
        """The dataset that runs, by its record, or by its entry if another run of this server has started it."""
        self._untold: dict[str, object] = {}
        """The parameters that the daemon does not have yet."""
        self._unnamed_files: list[str] = []
        """The files that the daemon does not know of yet."""
        self._answers = True
        """Whether the daemon has answered so far, since the dataset began."""
        self._messages: deque[str] = deque(maxlen=_MESSAGES)

    def serve(self, client: ScribeClient, technique: str, beamline: str, pattern: str) -> None:
        """Set the daemon's client, which raises, and the settings of the device."""
        self._client, self._technique = client, technique
        self._beamline, self._pattern = beamline, pattern or FOLDER_PATTERN

    @property
    def _runs(self) -> bool:
        return bool(self._record or self._entry)

    @property
    def state(self) -> DatasetState:
        """What a client may do next."""
        if self._runs:
            return DatasetState.RUNNING
        if not self.proposal:
            return DatasetState.OFF
        return DatasetState.ON if self.has_sample and self.dataset else DatasetState.STANDBY

    @property
    def has_sample(self) -> bool:
        """Whether an experiment and a sample are named, without which there is no dataset."""
        return bool(self.proposal) and self.sample not in ("", NO_SAMPLE)

    @property
    def folder(self) -> str:
        """The folder of the dataset's files, as clients see it. nxscribe itself uses the one of its config."""
        fields = {
            "dataRoot": self.data_root,
            "proposal": self.proposal,
            "beamlineID": self._beamline,
            "sampleName": self.sample,
            "scanName": self.dataset,
            "datasetName": self.dataset,
        }
        return self._folder or _FIELD.sub(lambda field: fields.get(field[1], field[0]), self._pattern)

    @folder.setter
    def folder(self, path: str) -> None:
        self._folder = path

    @property
    def messages(self) -> list[str]:
        """The last messages, of clients and of this server; the newest is the last one."""
        return list(self._messages)

    def note(self, message: str) -> None:
        """Keep a message, with the time."""
        self._messages.append(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {message}")

    def name_experiment(self, proposal: str) -> None:
        """Begin an experiment: its sample and its dataset are not named yet."""
        with self._lock:
            self._abandon(f"the experiment {proposal} was named")
            self.proposal, self.sample, self.data_root = proposal, NO_SAMPLE, VISITORS
            self._forget_dataset()

    def name_sample(self, sample: str) -> None:
        """Begin a sample: its dataset is not named yet."""
        with self._lock:
            self._abandon(f"the sample {sample} was named")
            self.sample = sample
            self._forget_dataset()

    def name_dataset(self, dataset: str) -> None:
        """Name the next dataset."""
        with self._lock:
            if dataset != self.dataset:
                self._abandon(f"the dataset {dataset} was named")
                self.dataset = dataset

    def value(self, name: str) -> str:
        """What was set for the dataset; an empty text if nothing was."""
        return self._values.get(name, "")

    def set_values(self, values: Mapping[str, object]) -> None:
        """Set values of the dataset that runs, or else of the next one."""
        with self._lock:
            self._values |= {name: value if isinstance(value, str) else str(value) for name, value in values.items()}
            self._untold |= values
            if self._runs:
                self._tell()

    def name_file(self, path: str) -> None:
        """Add a raw file to the dataset. A relative name is one in the dataset's folder."""
        with self._lock:
            self.last_file = path
            self._unnamed_files.append(str(PurePosixPath(self.folder) / path))
            if self._runs:
                self._tell()

    def start(self) -> Answer:
        """Start the dataset: the initial readings are on the disk when this returns. Raises ClientError."""
        with self._lock:
            parent = {_PARENT: self.parent} if self.parent else {}
            answer = self._asked(
                lambda client: client.start(
                    self.proposal, self.sample, self.dataset, self._technique, {**parent, **self._untold}
                )
            )
            self._record = answer.record
            self._untold, self._answers = {}, True
            self.metadata_file = answer.master
            self._note_warnings(answer)
            self._tell()
            return answer

    def end(self) -> None:
        """End the dataset: the final readings are on the disk when this returns. Raises ClientError; what the daemon
        refuses to end is not open any more.
        """
        with self._lock:
            self._close(
                lambda client: client.end(
                    self._untold, self._files_of_no_detector, record=self._record, entry=self._entry
                )
            )

    def abort(self) -> None:
        """End the dataset as aborted. Raises ClientError as `end`."""
        with self._lock:
            self._close(lambda client: client.abort(record=self._record, entry=self._entry))

    def take_up(self) -> None:
        """Take up the dataset that runs, after this server was restarted: the daemon knows of it."""
        with self._lock:
            if self._runs or not self.has_sample or not self.dataset or not self._client:
                return
            try:
                shown = self._client.show()
            except ClientError as error:
                log.warning("whether a dataset runs is not known: %s", error)
                return
            if shown["currentScan"] == f"{self.sample} - {self.dataset}" and shown["proposal"] == self.proposal:
                self._entry = str(shown["entry"])
                self.metadata_file = str(shown["masterFile"])

    def _abandon(self, why: str) -> None:
        """End a dataset that its client has left open: it begins another one."""
        if not self._runs:
            return
        try:
            self._close(
                lambda client: client.end(
                    self._untold,
                    self._files_of_no_detector,
                    end_reason="interrupted",
                    reason=f"{why} before the dataset was ended",
                    record=self._record,
                    entry=self._entry,
                )
            )
        except ClientError as error:
            log.warning("%s", error)
            self.note(str(error))
            self._forget_dataset()

    @property
    def _files_of_no_detector(self) -> dict[str, list[str]]:
        """The files that the daemon does not know of yet, for an end: it finds out whose they are."""
        return {"": self._unnamed_files} if self._unnamed_files else {}

    def _close(self, work: Callable[[ScribeClient], Answer]) -> None:
        try:
            answer = self._asked(work)
        except CommandFailedError:
            raise  # it can be sent again
        except ClientError:
            self._forget_dataset()
            raise
        self._note_warnings(answer)
        self._forget_dataset()

    def _forget_dataset(self) -> None:
        self._record = self._entry = ""
        self._untold, self._values, self._unnamed_files = {}, {}, []
        self.dataset = self._folder = self.last_file = self.parent = ""

    def _tell(self) -> None:
        """Tell the daemon what it does not know yet, as far as it answers."""
        if not self._answers or not self._client:
            return
        try:
            if self._untold:
                self._client.set_parameters(self._untold)
                self._untold = {}
            while self._unnamed_files:
                self._name_first(self._client)
        except CommandFailedError as error:
            self._answers = False
            self.note(str(error))
        except ClientError as error:
            self.note(str(error))

    def _name_first(self, client: ScribeClient) -> None:
        """Raises CommandFailedError. A file that the daemon refuses costs no other one."""
        try:
            client.name_file(self._unnamed_files[0])
        except CommandFailedError:
            raise
        except ClientError as error:
            self.note(str(error))
        del self._unnamed_files[0]

    def _asked(self, work: Callable[[ScribeClient], Answer]) -> Answer:
        try:
            if not self._client:
                raise ClientError(Problem("no MetadataManager of this server has this experiment", "", _SEE_PROPERTY))
            return work(self._client)
        except ClientError as error:
            self.note(str(error))
            raise

    def _note_warnings(self, answer: Answer) -> None:
        for warning in answer.warnings:
            self.note(warning)
