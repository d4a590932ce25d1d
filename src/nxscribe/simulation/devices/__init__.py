"""The device classes of the simulated beamline. `python -m nxscribe.simulation.devices INSTANCE` serves them."""
