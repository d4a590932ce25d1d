"""A beamline's config: one YAML file, checked as a whole, as plain frozen settings."""

from nxscribe.service.config.load import Examined, UnreadableError, examine_config, load_config
from nxscribe.service.config.settings import Config, Limits, LogSettings, Retention, TangoSettings, Technique
from nxscribe.service.config.sound import Lost
from nxscribe.service.config.state_dir import probable_state_dir

__all__ = [
    "Config",
    "Examined",
    "Limits",
    "LogSettings",
    "Lost",
    "Retention",
    "TangoSettings",
    "Technique",
    "UnreadableError",
    "examine_config",
    "load_config",
    "probable_state_dir",
]
