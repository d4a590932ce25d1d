"""A small experiment as a daemon leaves it: a config, a journal with three scans, and their files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
from some_scans import DEFINITION, edf_series, ended, frames, hdf5_scan, started

from nxscribe.definitions import definition_text, load_definition
from nxscribe.model import RawSeries, now
from nxscribe.projections import FileSettings, Layout
from nxscribe.projections.nexus import write_nexus
from nxscribe.records import DefinitionText, Journal, Record

CONFIG = """\
beamline: id16a
data_root: data
state_dir: state
files: {{layout: {layout}}}
parameters: ["*"]
techniques: {{tomo: {{definition: tomo.xml}}}}
"""
WHEN_MADE = frozenset({"file_time", "file_update_time"})
"""The attributes that say when a file was made."""


@dataclass(frozen=True)
class Experiment:
    folder: Path
    layout: Layout
    records: tuple[Record, ...]

    @property
    def config(self) -> Path:
        return self.folder / "id16a.yaml"

    @property
    def definition(self) -> Path:
        return self.folder / "tomo.xml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def journal(self) -> Path:
        return self.folder / "state" / "journal.sqlite"

    @property
    def settings(self) -> FileSettings:
        return FileSettings(self.data, self.layout)

    @property
    def master(self) -> Path:
        return self.data / "ma2210/id16a/ma2210-id16a.h5"

    def entry_file(self, number: int) -> Path:
        return self.master.with_name("ma2210-id16a_entries") / f"entry_{number:04d}.h5"


SaveFrames = Callable[[Record, np.ndarray], RawSeries]
"""Saves a scan's frames as its detector would."""


def make_experiment(
    folder: Path, layout: Layout = Layout.LINKED, scans: Sequence[SaveFrames | None] = (hdf5_scan, edf_series, None)
) -> Experiment:
    """Scans that ended, with the frames of each, and where None stands one that runs; all written, nothing due."""
    (folder / "data").mkdir()
    (folder / "tomo.xml").write_text(DEFINITION)
    (folder / "id16a.yaml").write_text(CONFIG.format(layout=layout))
    settings = FileSettings(folder / "data", layout)
    loaded = load_definition("tomo", folder / "tomo.xml").definition
    definition = DefinitionText("tomo", loaded.sha256, definition_text(loaded))
    records = []
    with Journal(folder / "state" / "journal.sqlite") as journal:
        for number, save in enumerate(scans, 1):
            record = journal.begin(replace(started(folder / "data", number=number), definition=definition))
            if save:
                record = ended(record, save(record, frames(number)))
                journal.update(record)
            write_nexus(record, settings)
            records.append(record)
        for work in journal.due(now()):
            journal.done(work)
    return Experiment(folder, layout, tuple(records))


def everything_in(path: Path) -> dict[str, object]:
    """Every link, value and attribute of a file, what the links lead to included; but for when it was made."""
    with h5py.File(path, "r") as file:
        return dict(_walk(file, ""))


def _walk(node: h5py.Group | h5py.Dataset, path: str):
    yield path, {name: _plain(value) for name, value in node.attrs.items() if path or name not in WHEN_MADE}
    if isinstance(node, h5py.Dataset):
        # Names in external storage are the working directory's: only a link to it gives the frames.
        yield f"{path}=", (str(node.dtype), node.shape, node.external or _plain(node[()]))
        return
    for name in node:
        link = node.get(name, getlink=True)
        yield f"{path}/{name}->", (type(link).__name__, getattr(link, "filename", ""), getattr(link, "path", ""))
        yield from _walk(node[name], f"{path}/{name}")


def _plain(value: object) -> object:
    return repr(np.asarray(value).tolist())
