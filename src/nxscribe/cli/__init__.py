"""The command `nxscribe`: every way in from a terminal."""

import signal
import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["run"]:
        # Threads inherit this, so it comes before any library starts one: the daemon waits for these signals in one
        # place, and one that met a thread open to it would go to Tango's handler, which ends the server at once.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    from nxscribe.cli.app import main as run_app

    run_app()


__all__ = ["main"]
