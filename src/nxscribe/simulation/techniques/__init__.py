"""The scans that the simulated beamline can play, by technique: what a control system does from start to end."""

from __future__ import annotations

from nxscribe.simulation.techniques.fluo import Fluo
from nxscribe.simulation.techniques.holo import Holo
from nxscribe.simulation.techniques.mrt import Mrt
from nxscribe.simulation.techniques.scan import Scan
from nxscribe.simulation.techniques.technique import Parameters, Progress, Technique
from nxscribe.simulation.techniques.tomo import Tomo

__all__ = ["TECHNIQUES", "Parameters", "Progress", "Technique"]

TECHNIQUES: dict[str, type[Tomo | Holo | Mrt | Scan | Fluo]] = {
    "tomo": Tomo,
    "holo": Holo,
    "mrt": Mrt,
    "scan": Scan,
    "fluo": Fluo,
}
"""Every technique's class; its argument is the scan's size."""
