"""`nxscribe run`: the daemon."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer


def run(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML).")],
    data_root: Annotated[Path | None, typer.Option(help="Instead of the config's data_root.")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Instead of the config's state_dir.")] = None,
    log_format: Annotated[Literal["console", "json"] | None, typer.Option(help="Instead of the config's.")] = None,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; SIGHUP reads config and definitions anew."""
    from nxscribe.model.times import use_zone
    from nxscribe.service.config import Config, LogFormat
    from nxscribe.service.events import Events
    from nxscribe.service.log import LogWriter, configure_logging
    from nxscribe.service.reload.config_store import ConfigStore
    from nxscribe.service.scribe import Scribe
    from nxscribe.triggers.daemon import run_daemon

    library = ConfigStore(
        config, data_root=data_root, state_dir=state_dir, log_format=LogFormat(log_format) if log_format else None
    )
    use_zone(library.current.config.time_zone)
    writer = LogWriter(sys.stderr.fileno())

    class Log(Events):
        def config_in_force(self, config: Config) -> None:
            configure_logging(writer, config.logging.format, config.logging.level, config.beamline)

    log = Log()
    log.config_in_force(library.current.config)
    scribe = Scribe(library)
    scribe.listen(log)
    scribe.supervisor.add(writer)
    run_daemon(scribe)
    writer.flush()
    # At once: a thread that comes back from Tango while the interpreter ends would abort the process.
    os._exit(0)
