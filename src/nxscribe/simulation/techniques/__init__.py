"""The scans of the simulated beamline: what a control system does in a scan. Each technique has a private module."""

from __future__ import annotations

from nxscribe.simulation.techniques._fluo import Fluo
from nxscribe.simulation.techniques._holo import Holo
from nxscribe.simulation.techniques._mrt import Mrt
from nxscribe.simulation.techniques._scan import Scan
from nxscribe.simulation.techniques._technique import Parameters, Progress, Technique
from nxscribe.simulation.techniques._tomo import Tomo

__all__ = ["TECHNIQUES", "Parameters", "Progress", "Technique"]

TECHNIQUES: dict[str, type[Tomo | Holo | Mrt | Scan | Fluo]] = {
    "tomo": Tomo,
    "holo": Holo,
    "mrt": Mrt,
    "scan": Scan,
    "fluo": Fluo,
}
"""The class of each technique. Its argument is the size of the scan."""
