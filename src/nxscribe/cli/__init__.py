"""The command `nxscribe`: every way in from a terminal."""

from nxscribe.cli.app import main

__all__ = ["main"]
