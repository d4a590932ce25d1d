"""The program `nxscribe-watch-bliss`: records the scans of a BLISS session (2.0 or later) from outside, by its Redis.

It runs beside BLISS as a process of its own, and reads what BLISS publishes by blissdata: nothing is installed in the
session, and nothing there waits for it. Therefore the readings of a start are taken while BLISS prepares its devices.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import signal
import sys
from collections.abc import Sequence
from typing import Final

from nxscribe.errors import Problem

_PROGRAM: Final = "nxscribe-watch-bliss"
_NEEDED: Final = ("blissdata", "redis")
"""The libraries of the extra `bliss`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program until SIGTERM or Ctrl-C. Without blissdata it exits with status 1 and a message."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Record the scans of a BLISS session.")
    parser.add_argument("url", help="BLISS's Redis for data: redis://host:port")
    parser.add_argument("--session", required=True, help="the session of BLISS")
    parser.add_argument("--device", required=True, help="the device of nxscribe: id16a/nxscribe/main")
    parser.add_argument("--technique", default="", help="the technique of all scans; by default that of the dataset")
    parser.add_argument(
        "--sequences", choices=("children", "group"), default="children", help="what an entry is made of"
    )
    parser.add_argument("--timeout", type=float, default=2.0, help="how many seconds a trigger waits for the daemon")
    given = parser.parse_args(arguments)
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        why = f"{' and '.join(missing)} is not installed"
        sys.exit(f"{_PROGRAM}: {Problem('BLISS cannot be watched from here', why, 'install nxscribe[bliss]')}")
    from nxscribe.integrations._bliss_watch import BlissWatch, WatchOptions  # noqa: PLC0415 - it needs an extra

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    of_groups = given.sequences == "group"
    watch = BlissWatch(WatchOptions(given.url, given.session, given.device, given.technique, of_groups, given.timeout))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: watch.stop())
    watch.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
