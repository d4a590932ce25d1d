"""Capture: reads many sources side by side by a deadline, and makes the snapshot of a phase from them.

`SourceReader` reads sources of every kind, and keeps the deadline whatever an endpoint does. `Capturer` makes a
snapshot for a capture plan: values that were set, readings, formulas, defaults. This package knows no control system: a
kind of source (`nxscribe.sources`) brings its connections.
"""

from nxscribe.capture._capturer import Capturer
from nxscribe.capture._source_reader import SourceReader

__all__ = ["Capturer", "SourceReader"]
