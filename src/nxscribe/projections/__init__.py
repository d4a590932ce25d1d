"""Projections: what is made from records. Each kind has a process of its own, which may crash or hang without harm.

A kind implements `Projection`, and `registered` gives all kinds: `nexus`, which every record gets, and others that the
config asks for. `Worker` runs the process of one kind. HDF5 is loaded only by the package `nexus`, which the daemon
does not import. The modules:

- `files`: the settings for files, and the outcome of an attempt
- `atomic`: files that exist completely or not at all
- `hdf5_environment`: the environment variables of HDF5
- `nexus_files`: the kind `nexus`
- `nexus`: the package that makes its files
- `json_file`: the kind `json`
- `writer`: the program of the writer process
"""

from nxscribe.errors import EntryTakenError, Failure, ProjectionError
from nxscribe.projections._protocol import (
    Done,
    Failed,
    Form,
    Later,
    Once,
    Outcome,
    Previous,
    Projection,
    Remark,
    Renumber,
    Result,
    Settings,
)
from nxscribe.projections._registry import registered
from nxscribe.projections._worker import Worker
from nxscribe.projections.files import FileSettings, Layout, Ownership, Written

__all__ = [
    "Done",
    "EntryTakenError",
    "Failed",
    "Failure",
    "FileSettings",
    "Form",
    "Later",
    "Layout",
    "Once",
    "Outcome",
    "Ownership",
    "Previous",
    "Projection",
    "ProjectionError",
    "Remark",
    "Renumber",
    "Result",
    "Settings",
    "Worker",
    "Written",
    "registered",
]
