"""The device classes of the simulated beamline. `python -m nxscribe.simulation.devices INSTANCE` serves them.

- `machine`: the storage ring
- `optics`: the monochromator and other parts of the beamline
- `motor`, `counter`: a motor, and a counter
- `treatment_protocol`: the plan of an irradiation
"""
