"""Devices that shape the beam before the sample: monochromator, attenuator, slits, shutter."""

from __future__ import annotations

import math

from tango import AttrWriteType, DevState, Except
from tango.server import attribute, command

from nxscribe.simulation._beam import BEAM, MATERIALS
from nxscribe.simulation.devices._instrument import Instrument, setting

_HC_KEV_ANGSTROM = 12.39842
_SI111_ANGSTROM = 3.13560


class Monochromator(Instrument):
    """A double-crystal monochromator. Its energy follows from the Bragg angle of its crystals."""

    def _energy_kev(self) -> float:
        return BEAM.energy_kev * (1 + 2e-6 * self.flicker("bragg"))

    @attribute(
        label="Energy",
        unit="keV",
        format="%9.5f",
        min_value=5,
        max_value=60,
        access=AttrWriteType.READ_WRITE,
        fset="write_energy",
    )
    def energy(self) -> float:
        """The photon energy that the crystals select."""
        return self._energy_kev()

    def write_energy(self, value: float) -> None:
        """Turn the crystals."""
        BEAM.energy_kev = value

    @attribute(label="Bragg angle", unit="deg", format="%9.5f")
    def bragg(self) -> float:
        """The angle between the crystals' planes and the beam, by Bragg's law."""
        return math.degrees(math.asin(_HC_KEV_ANGSTROM / (2 * _SI111_ANGSTROM * self._energy_kev())))

    @attribute(label="Crystal")
    def crystal(self) -> str:
        """The crystals' material and reflection."""
        return "Si 111"


class Attenuator(Instrument):
    """Foils that absorb a part of the beam."""

    @attribute(label="Transmission", format="%8.6f", min_value=0, max_value=1)
    def transmission(self) -> float:
        """The share of the photons that pass the foils at the present energy, from 0 to 1."""
        return BEAM.transmission

    @attribute(
        label="Thickness",
        unit="um",
        format="%7.1f",
        min_value=0,
        max_value=20_000,
        access=AttrWriteType.READ_WRITE,
        fset="write_thickness",
    )
    def thickness(self) -> float:
        """The thickness of all foils in the beam together."""
        return BEAM.thickness_um

    def write_thickness(self, value: float) -> None:
        """Move foils into the beam or out of it."""
        BEAM.thickness_um = value

    @attribute(label="Material", access=AttrWriteType.READ_WRITE, fset="write_material")
    def material(self) -> str:
        """The chemical element of the foils."""
        return BEAM.material

    def write_material(self, value: str) -> None:
        """Use foils of another chemical element."""
        if value not in MATERIALS:
            Except.throw_exception("UnknownMaterial", f"no foils of {value!r}: there are {', '.join(MATERIALS)}", "")
        BEAM.material = value


class Slits(Instrument):
    """Two pairs of blades. Each pair has the size of its opening and the position of the middle of the opening."""

    horizontal_gap = setting(
        "Horizontal gap", "mm", 1.0, "The horizontal opening.", flicker=1e-4, format="%8.4f", min_value=0
    )
    vertical_gap = setting(
        "Vertical gap", "mm", 0.8, "The vertical opening.", flicker=1e-4, format="%8.4f", min_value=0
    )
    horizontal_offset = setting(
        "Horizontal offset", "mm", 0.0, "The middle of the horizontal opening.", flicker=1e-4, format="%8.4f"
    )
    vertical_offset = setting(
        "Vertical offset", "mm", 0.0, "The middle of the vertical opening.", flicker=1e-4, format="%8.4f"
    )


class Shutter(Instrument):
    """The beam shutter: its state is OPEN or CLOSE."""

    def dev_state(self) -> DevState:
        """Whether the beam may pass."""
        return DevState.OPEN if BEAM.shutter_open else DevState.CLOSE

    @command
    def Open(self) -> None:  # noqa: N802 - as real shutters call it
        """Let the beam pass."""
        BEAM.shutter_open = True

    @command
    def Close(self) -> None:  # noqa: N802
        """Stop the beam."""
        BEAM.shutter_open = False
