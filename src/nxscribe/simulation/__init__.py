"""A simulated beamline for any computer: a real Tango database, device servers, and a camera that writes files.

The demo and the tests use it, and the service does not. docs/explanation/simulation.md says what is simulated. The
modules and packages:

- `devices`: the device classes
- `camera`: the camera and its saving of frames
- `scenes`: what the camera sees
- `techniques`: what a control system does in a scan
- `child`: runs a device server that ends together with its parent
"""

from nxscribe.simulation._picture import draw_frame
from nxscribe.simulation._process import SimulationError
from nxscribe.simulation._simulated_beamline import SimulatedBeamline
from nxscribe.simulation._tango_database import TangoDatabase

__all__ = ["SimulatedBeamline", "SimulationError", "TangoDatabase", "draw_frame"]
