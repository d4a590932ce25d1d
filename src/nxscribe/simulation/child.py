"""`python -m nxscribe.simulation.child MODULE ARGUMENT …`: runs a module that ends when its parent does.

The parent holds the other end of standard input. When that closes, by the parent's wish or by its death
(SIGKILL included), the Tango server that runs here is asked to end in good order, and is ended if it does not.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time

import tango

_GRACE_S = 2.0


def _end_with_parent() -> None:
    # os.read and not sys.stdin: a thread inside a buffered reader would hinder the interpreter's own end.
    while os.read(0, 4096):
        pass
    threading.Thread(target=_shut_down, daemon=True).start()
    time.sleep(_GRACE_S)
    os._exit(1)


def _shut_down() -> None:
    try:
        tango.Util.instance(False).get_dserver_device().kill()
    except tango.DevFailed:  # there is no server yet
        os._exit(1)


def main() -> None:
    """Run the module named first on the command line as `__main__`, with the arguments that follow."""
    del sys.argv[0]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
