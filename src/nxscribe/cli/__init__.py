"""The command line: one private module for each command. `main` runs it."""

import os
import signal
import sys
import threading

from nxscribe.cli._encoding import use_utf8
from nxscribe.cli._ending import ended, leave


def main() -> None:
    """Run the command line."""
    use_utf8()
    if not os.environ.get("TANGO_TELEMETRY_ENABLE"):
        # Where opentelemetry is installed, as with bluesky, PyTango looks up eleven variables with each call while
        # telemetry is off: a read costs eight times as much (findings/pytango_looks_for_telemetry_with_each_call.sh).
        os.environ.setdefault("PYTANGO_DISABLE_TELEMETRY_PATCHING", "1")
    is_daemon = sys.argv[1:2] == ["run"]
    if is_daemon:
        # Threads inherit this, so it comes before any library starts one: the daemon waits for these signals in one
        # place, and one that met a thread open to it would go to Tango's handler, which ends the server at once.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    status = ended(_commands, as_daemon=is_daemon)
    if threading.active_count() > 1:
        # Threads are still inside calls to devices that do not answer. The command is done: nobody waits for them.
        leave(status)
    sys.exit(status)


def _commands() -> None:
    if sys.argv[1:2] == ["scan"]:
        from nxscribe.cli._trigger_commands import TRIGGERS, send_trigger

        if sys.argv[2:3] and sys.argv[2] in TRIGGERS:  # without the table of commands, which takes long to import
            send_trigger(sys.argv[2], sys.argv[3:])
            return
    from nxscribe.cli._app import app

    app()


__all__ = ["main"]
