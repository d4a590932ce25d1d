"""`nxscribe run`: the daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML).")],
    data_root: Annotated[Path | None, typer.Option(help="Instead of the config's data_root.")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Instead of the config's state_dir.")] = None,
    log_format: Annotated[str | None, typer.Option(help="console or json, instead of the config's.")] = None,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; SIGHUP reads config and definitions anew."""
    from nxscribe.service.library import Library
    from nxscribe.service.log import LogFormat, configure_logging
    from nxscribe.service.scribe import Scribe
    from nxscribe.triggers.daemon import run_daemon

    library = Library(config, data_root=data_root, state_dir=state_dir)
    settings = library.current.config
    configure_logging(
        LogFormat(log_format) if log_format else settings.logging.format, settings.logging.level, settings.beamline
    )
    run_daemon(Scribe(library))
