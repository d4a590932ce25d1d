"""plan → snapshot: the Tango reader with its deadlines and isolation, expressions, defaults.

`TangoReader` reads attributes by a deadline whatever the devices do; `Capturer` makes a phase's snapshot of them.
"""

from nxscribe.capture.capturer import Capturer
from nxscribe.capture.reader import TangoReader

__all__ = ["Capturer", "TangoReader"]
