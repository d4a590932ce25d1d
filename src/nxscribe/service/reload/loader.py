"""The program of the process that reads the files of a beamline, and answers with the parts that changed.

Reading a set keeps Python busy for a tenth of a second or more, which would delay triggers in the daemon. In addition,
a malicious file can only use the memory of this process.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nxscribe.runtime.worker_process import serve
from nxscribe.service.reload._set_transfer import LoadRequest, LoadResponse, answer

_MEMORY_BYTES: Final = 2 * 1024**3


def main() -> None:
    """Read files until the daemon ends."""
    serve(_prepare)


def _prepare(_: object) -> Callable[[LoadRequest], LoadResponse]:
    # Numerical libraries take address space for each core when they are imported: that is not counted.
    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + _MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    return answer


if __name__ == "__main__":
    main()
