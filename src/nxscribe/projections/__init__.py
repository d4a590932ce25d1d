"""What is made from records: NeXus files, in a process of their own that may crash or hang without harm.

`Worker` runs that process; `nxscribe.projections.nexus` is what runs in it.
"""

from nxscribe.errors import EntryTakenError, Failure, ProjectionError
from nxscribe.projections.files import FileSettings, Layout, Ownership, Written
from nxscribe.projections.worker import Worker

__all__ = ["EntryTakenError", "Failure", "FileSettings", "Layout", "Ownership", "ProjectionError", "Worker", "Written"]
