"""The config of a beamline: one YAML file. `load_config` reads and checks it as a whole, and gives frozen settings.

- `layout`: where the files of a scan are
- `paths`: paths of the config, relative to its folder
- `reference`: the page docs/reference/config.md
- `json_schema`: the schema for editors
- `watching`: scans that begin and end with an attribute
"""

from nxscribe.service.config._load import Examined, UnreadableError, examine_config, load_config
from nxscribe.service.config._partial_config import Omitted
from nxscribe.service.config._settings import (
    NEEDS_RESTART,
    Config,
    Limits,
    LogFormat,
    LogSettings,
    Retention,
    TangoSettings,
    TechniqueSettings,
)
from nxscribe.service.config._state_dir import probable_state_dir

__all__ = [
    "NEEDS_RESTART",
    "Config",
    "Examined",
    "Limits",
    "LogFormat",
    "LogSettings",
    "Omitted",
    "Retention",
    "TangoSettings",
    "TechniqueSettings",
    "UnreadableError",
    "examine_config",
    "load_config",
    "probable_state_dir",
]
