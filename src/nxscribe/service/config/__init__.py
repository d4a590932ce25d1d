"""A beamline's config: one YAML file, checked as a whole, as plain frozen settings."""

from nxscribe.service.config.load import UnreadableError, load_config
from nxscribe.service.config.settings import Config, Limits, LogSettings, Retention, TangoSettings, Technique

__all__ = [
    "Config",
    "Limits",
    "LogSettings",
    "Retention",
    "TangoSettings",
    "Technique",
    "UnreadableError",
    "load_config",
]
