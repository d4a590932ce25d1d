"""Where the journal of a beamline lies: as its config says, or as systemd made it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from nxscribe.definitions.text import read_bounded
from nxscribe.definitions.yaml_positions import load_yaml
from nxscribe.errors import InputError
from nxscribe.service.config.paths import absolute_path

_PLACES: Final = ("beamline", "state_dir")


def probable_state_dir(path: Path) -> Path:
    """The state folder that the config at `path` names, as far as one can see, however wrong the rest of it is."""
    named: dict[str, str] = {}
    with contextlib.suppress(OSError):
        data = read_bounded(path)
        # Also line by line: a syntax error is the end of all that comes after it.
        for part in (data, *(line for line in data.splitlines() if not line[:1].isspace())):
            with contextlib.suppress(InputError):
                document = load_yaml(part, str(path))
                named = {key: node.text for key in _PLACES if (node := document.find((key,))) and node.text} | named
    if text := named.get("state_dir"):
        return absolute_path(path, text)
    return default_state_dir(named.get("beamline", ""))


def default_state_dir(beamline: str) -> Path:
    """What systemd made for the unit (systemd.exec(5), StateDirectory=; several are separated by colons)."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(given) if given else Path("/var/lib/nxscribe") / beamline
