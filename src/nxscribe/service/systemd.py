"""The service manager's notification protocol (sd_notify(3)): a datagram to the socket named in the environment.

The protocol is one `sendto`; the libraries for it are unmaintained or need a compiler.
"""

from __future__ import annotations

import os
import socket
from typing import Final

_PATIENCE_S: Final = 0.5
"""How many seconds to wait for a manager that does not read its socket."""


def notify(*assignments: str) -> str:
    """Tell the service manager, for example `notify("READY=1", "STATUS=…")`. Nothing where there is none.

    It never raises: sd_notify(3) advises to go on serving whatever becomes of it. Returns why the manager could not be
    told, or an empty text.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return ""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.settimeout(_PATIENCE_S)
            # A leading @ stands for the zero byte of Linux's abstract names.
            channel.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
            channel.send("\n".join(assignments).encode())
    except OSError as error:
        return f"the service manager's socket {address} cannot be used: {error}"
    return ""


def watchdog_interval_s() -> float | None:
    """How often to say `WATCHDOG=1`: half of what the unit allows, as the manual advises. None: no watchdog."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2e6 if microseconds.isdigit() else None
