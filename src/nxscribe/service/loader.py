"""The loader process itself: reads a beamline's files when asked, and answers with what changed.

Reading a set keeps Python busy for a tenth of a second and more; in the daemon every trigger would feel that. It also
keeps a hostile file's demands on memory away from the daemon. The process ends when its parent does.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from nxscribe.service.parts import answer

_NICENESS: Final = 10
"""Captures come first."""
_MEMORY_BYTES: Final = 2 * 1024**3


def main() -> None:
    """Serve the connection whose descriptor is the first argument, until it is closed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    # Numerical libraries take address space for each core when they are imported: that is not counted.
    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + _MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with Connection(int(sys.argv[1])) as pipe:
        try:
            while True:
                pipe.send(answer(pipe.recv()))
        except (EOFError, ConnectionError):
            return


if __name__ == "__main__":
    main()
