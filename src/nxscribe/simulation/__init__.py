"""A simulated beamline that runs anywhere: a real Tango database, real device servers, a camera that writes frames.

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
