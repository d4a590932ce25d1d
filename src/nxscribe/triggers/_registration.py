"""Registers the devices of the daemon in the Tango database.

This uses the commands of the database, because they release Python's global lock while they wait, and the methods of
`tango.Database` do not.
"""

from __future__ import annotations

from typing import Final

import tango

from nxscribe.errors import NxscribeError, Problem
from nxscribe.model.tango_names import tango_hosts
from nxscribe.runtime.logger import get_logger
from nxscribe.service.config import TangoSettings
from nxscribe.sources.tango.databases import connect
from nxscribe.sources.tango.tango_errors import is_database_away
from nxscribe.tango_text import words_of

log = get_logger()

_CLASS: Final = "NxScribe"


class DaemonError(NxscribeError):
    """The daemon cannot serve its Tango devices."""


class DatabaseAwayError(DaemonError):
    """The Tango database does not answer at the moment."""


def register(settings: TangoSettings) -> None:
    """Enter the devices into the Tango database where they are not, and take out those that this server had before.

    Raises DatabaseAwayError when it does not answer, DaemonError when it refuses, when a device belongs to another
    server, or when a server of this name runs already, and InputError when its address is none.
    """
    host = settings.host or str(tango.ApiUtil.get_env_var("TANGO_HOST") or "")
    if not host:
        raise DaemonError(
            Problem("the Tango database is not known", "TANGO_HOST is not set", "set tango.host in the config")
        )
    hosts = ",".join(tango_hosts(host))
    try:
        _, database = connect(hosts)
        _refuse_second(database, settings.server)
        wanted = {device.lower() for device in settings.devices}
        for device in database.command_inout("DbGetDeviceList", [settings.server, _CLASS]):
            if device and device.lower() not in wanted:
                # Tango would make it all the same, and there is no session for it.
                database.command_inout("DbDeleteDevice", device)
                log.info("device removed: the config does not name it any more", device=device)
        for device in settings.devices:
            _register(database, device, settings.server)
    except tango.DevFailed as error:
        kind = DatabaseAwayError if is_database_away(error) else DaemonError
        raise kind(
            Problem(
                f"the Tango database {hosts} cannot be used: {words_of(error.args)}",
                "it is down, it hangs, or its address is wrong",
                "check tango.host in the config, or TANGO_HOST",
            )
        ) from None


def _refuse_second(database: tango.Database, server: str) -> None:
    """Raise DaemonError where a server of this name answers. One that was killed stands in the database as before."""
    admin = f"dserver/{server}"
    try:
        numbers, texts = database.command_inout("DbImportDevice", admin)
    except tango.DevFailed as error:
        if any(entry.reason == "DB_DeviceNotDefined" for entry in error.args):
            return
        raise
    is_exported, process, host = bool(numbers[0]), int(numbers[1]), str(texts[4])
    if not is_exported:
        return
    try:
        tango.DeviceProxy(f"{database.get_db_host()}:{database.get_db_port()}/{admin}").ping()
    except tango.DevFailed:
        log.info(
            "the database has an earlier run of this server, which does not answer: its place is taken",
            server=server, host=host, process=process,
        )  # fmt: skip
        return
    raise DaemonError(
        Problem(
            f"a Tango server {server} runs already, on {host} as process {process}",
            "two servers cannot have one name",
            "stop the other, or give this one another name (tango.server in the config)",
        )
    )


def _register(database: tango.Database, device: str, server: str) -> None:
    try:
        # The texts of the answer: device, address, version of the interface, server …
        owner = str(database.command_inout("DbGetDeviceInfo", device)[1][3])
    except tango.DevFailed as error:
        if all(entry.reason != "DB_DeviceNotDefined" for entry in error.args):
            raise
        database.command_inout("DbAddDevice", [server, device, _CLASS])
        log.info("device registered", device=device, server=server)
        return
    if owner.lower() != server.lower():
        raise DaemonError(
            Problem(
                f"the device {device} belongs to the server {owner}, not to {server}",
                remedy="choose another name in tango.devices, or delete that device from the database",
            )
        )
