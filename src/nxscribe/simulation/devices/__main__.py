"""Serve the devices that the Tango database knows of one server instance.

Each instance has classes of its own: the cameras' process alone needs h5py.
"""

from __future__ import annotations

import sys
from importlib import import_module

from tango.server import run

from nxscribe.simulation._inventory import SERVER, SERVERS


def main() -> None:
    """Serve the instance named on the command line, until the process is told to end."""
    instance = sys.argv[1]
    classes = [getattr(import_module(module), name) for module, name in SERVERS[instance]]
    run(classes, args=[SERVER, instance], verbose=True, raises=True)


if __name__ == "__main__":
    main()
