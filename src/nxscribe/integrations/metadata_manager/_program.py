"""The program `nxscribe-metadata-manager`.

It is an executable of its own, because Tango's Starter and Astor start a server by the name of its executable, with the
instance as its only argument.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Final

SERVER: Final = "nxscribe-metadata-manager"
_LOG: Final = "%(asctime)s %(levelname)s %(message)s"


def main() -> None:
    """Run the server, or enter its two devices into the Tango database."""
    arguments = _parser().parse_args()
    import tango  # noqa: PLC0415 - it takes longer to import than all the rest

    from nxscribe.tango_text import words_of  # noqa: PLC0415

    try:
        if arguments.register:
            _register(arguments)
        else:
            _serve(arguments.instance, arguments.verbosity)
    except tango.DevFailed as error:
        sys.exit(f"{SERVER}: {words_of(error.args)}")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(SERVER, description="The ESRF's MetadataManager and MetaExperiment, in front of nxscribe.")
    parser.add_argument("instance", help="the instance of the server")
    parser.add_argument("verbosity", nargs="?", default="", help="Tango's own option: -v4")
    parser.add_argument("--register", action="store_true", help="enter the devices into the Tango database, and end")
    group = parser.add_argument_group("with --register")
    group.add_argument("--nxscribe", metavar="DEVICE", help="the daemon's device")
    group.add_argument("--technique", help="the technique of each dataset, from nxscribe's config")
    group.add_argument("--beamline", help="the property beamlineID; by default the instance")
    group.add_argument("--manager", metavar="DEVICE", help="by default INSTANCE/metadata/ingest")
    group.add_argument("--experiment", metavar="DEVICE", help="by default INSTANCE/metadata/experiment")
    return parser


def _serve(instance: str, verbosity: str) -> None:
    import logging  # noqa: PLC0415

    from tango.server import run  # noqa: PLC0415

    from nxscribe.integrations.metadata_manager._metadata_devices import (  # noqa: PLC0415
        MetadataManager,
        MetaExperiment,
    )

    logging.basicConfig(format=_LOG, level=logging.INFO)
    run((MetaExperiment, MetadataManager), args=[SERVER, instance, *filter(None, [verbosity])])


def _register(arguments: Namespace) -> None:
    import tango  # noqa: PLC0415

    if not (arguments.nxscribe and arguments.technique):
        sys.exit(f"{SERVER}: name the daemon's device and a technique: --nxscribe id30a1/nxscribe/main --technique mx")
    instance = arguments.instance
    manager = arguments.manager or f"{instance}/metadata/ingest"
    experiment = arguments.experiment or f"{instance}/metadata/experiment"
    beamline = {"beamlineID": arguments.beamline or instance}
    database = tango.Database()
    for device, kind in ((experiment, "MetaExperiment"), (manager, "MetadataManager")):
        info = tango.DbDevInfo()
        info.server, info._class, info.name = f"{SERVER}/{instance}", kind, device  # noqa: SLF001 - PyTango's own name
        database.add_device(info)
        database.put_device_property(device, beamline)
    ours = {"metaExperimentDevice": experiment, "nxscribeDevice": arguments.nxscribe, "technique": arguments.technique}
    database.put_device_property(manager, ours)
    print(f"{manager} and {experiment} belong to {SERVER}/{instance}")  # noqa: T201 - its result
