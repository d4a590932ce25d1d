"""The protocol of an irradiation in microbeam radiation therapy: the prescribed values."""

from __future__ import annotations

from nxscribe.simulation.devices._instrument import Instrument, setting


class Protocol(Instrument):
    """The prescription of an irradiation, as its control system has it."""

    multi_slit_type = setting("Multislit", "", "ESRF 8/400", "The multislit collimator that makes the microbeams.")
    dose_rate = setting(
        "Dose rate", "Gy/s/mA", 62.5, "The dose rate in water at 2 cm, per ring current.", flicker=0.05, format="%8.3f"
    )
