"""A beamline that can be run anywhere: a real Tango database, real device servers, a camera that writes real frames.

The demo and the tests stand on it; nothing of nxscribe's service does. What is simulated, and how truly, is told in
`docs/explanation/simulation.md`.
"""

from nxscribe.simulation.beamline import SimulatedBeamline
from nxscribe.simulation.database import TangoDatabase
from nxscribe.simulation.picture import draw_frame
from nxscribe.simulation.process import SimulationError

__all__ = ["SimulatedBeamline", "SimulationError", "TangoDatabase", "draw_frame"]
