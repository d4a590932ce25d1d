"""A Tango device with one attribute of every kind that a control system may have. Its server's name is its own."""

from __future__ import annotations

import time
from enum import IntEnum

import numpy as np
import tango
from tango import AttrDataFormat, AttrQuality, DevState
from tango.server import Device, attribute, run

STAMP = 1_600_000_000.123457
"""The time of the attribute `stamped` (seconds of the epoch, to the microsecond)."""


class Mode(IntEnum):
    MANUAL = 0
    AUTOMATIC = 1
    REMOTE = 2


NUMBERS = {
    "DevShort": -12345,
    "DevLong": -2_000_000_001,
    "DevLong64": -9_007_199_254_740_993,  # no float64 holds it
    "DevUShort": 65535,
    "DevULong": 4_294_967_295,
    "DevULong64": 18_446_744_073_709_551_615,
    "DevUChar": 200,
    "DevFloat": 0.1,
    "DevDouble": 0.1,
}
TEXTS = {"plain": "gold", "empty": "", "latin": "µm à 20 °C", "utf8": "μm → Å".encode().decode("latin-1")}


def _constant(value: object, **options: object) -> attribute:
    def read(_device: Device) -> object:
        return value

    return attribute(fget=read, **options)


class Everything(Device):
    """One of everything."""

    boolean = _constant(True, dtype=bool)
    state_of_gate = _constant(DevState.INSERT, dtype=DevState)
    mode = _constant(Mode.AUTOMATIC, dtype=Mode)
    encoded = _constant(("jpeg", b"\x00\xff\x10"), dtype="DevEncoded")
    not_a_number = _constant(float("nan"), dtype=float)
    infinite = _constant(float("-inf"), dtype=float)
    energy = _constant(12.5, dtype=float, unit="keV", display_unit="eV", format="%8.4f")
    no_unit = _constant(1.0, dtype=float, unit="No unit")
    with_a_space = _constant(200.0, name="Beam Current", dtype=float, unit="mA")
    with_a_letter = _constant(4.0, name="Öffnung", dtype=float, unit="mm")
    latin_unit = _constant(1.0, dtype=float, unit="µm")

    @attribute(dtype=float)
    def stamped(self) -> tuple[float, float, AttrQuality]:
        return 1.0, STAMP, AttrQuality.ATTR_VALID

    @attribute(dtype=float)
    def invalid(self) -> tuple[float, float, AttrQuality]:
        return 0.0, time.time(), AttrQuality.ATTR_INVALID

    @attribute(dtype=float)
    def throwing(self) -> float:
        raise RuntimeError("the crate is off")

    @attribute(dtype=float)
    def umlauts(self) -> float:
        raise RuntimeError("{Kühlung} fehlt:\n 3 μm → Å, ºC")

    @attribute(dtype=float)
    def odd_reason(self) -> float:
        reason = "Kühlung{fehlt}"
        tango.Except.throw_exception(reason, "die Pumpe läuft nicht", "Everything.odd_reason")
        raise AssertionError

    @attribute(dtype=float)
    def verbose(self) -> float:
        raise RuntimeError("the crate is off " * 50)

    @attribute(dtype=float)
    def refusing(self) -> float:
        tango.Except.throw_exception("Crate_Off", "the crate is off", "Everything.refusing")
        raise AssertionError

    @attribute(dtype=float, access=tango.AttrWriteType.READ_WRITE, unit="mm")
    def position(self) -> float:
        return 1.5

    @position.write
    def position(self, value: float) -> None:
        """Accept and forget."""

    @attribute(dtype=Mode, access=tango.AttrWriteType.READ_WRITE)
    def wanted_mode(self) -> Mode:
        return Mode.MANUAL

    @wanted_mode.write
    def wanted_mode(self, value: Mode) -> None:
        """Accept and forget."""

    @attribute(dtype=(float,), max_dim_x=4, access=tango.AttrWriteType.READ_WRITE)
    def offsets(self) -> list[float]:
        return [0.0]

    @offsets.write
    def offsets(self, value: list[float]) -> None:
        """Accept and forget."""

    @attribute(dtype=float, access=tango.AttrWriteType.READ_WRITE, memorized=True, hw_memorized=False)
    def memorized(self) -> float:
        return 0.0

    @memorized.write
    def memorized(self, value: float) -> None:
        """Accept and forget."""

    def initialize_dynamic_attributes(self) -> None:
        rng = np.arange(6)
        for name, value in NUMBERS.items():
            kind = getattr(tango.CmdArgType, name)
            self._add(f"scalar_{name}", kind, AttrDataFormat.SCALAR, value)
            whole = [value] + [int(x) for x in rng[1:4]]
            self._add(f"spectrum_{name}", kind, AttrDataFormat.SPECTRUM, whole)
            self._add(f"image_{name}", kind, AttrDataFormat.IMAGE, [whole[:2], whole[2:], [0, 1]])
            self._add(f"empty_spectrum_{name}", kind, AttrDataFormat.SPECTRUM, [])
            self._add(f"empty_image_{name}", kind, AttrDataFormat.IMAGE, [[]])
        for name, text in TEXTS.items():
            self._add(f"text_{name}", tango.CmdArgType.DevString, AttrDataFormat.SCALAR, text)
        others = {
            "DevString": ["a", "", TEXTS["latin"]],
            "DevBoolean": [True, False, True],
            "DevState": [DevState.ON, DevState.FAULT, DevState.ON],
        }
        for name, items in others.items():
            kind = getattr(tango.CmdArgType, name)
            self._add(f"spectrum_{name}", kind, AttrDataFormat.SPECTRUM, items)
            self._add(f"image_{name}", kind, AttrDataFormat.IMAGE, [items, items])
            self._add(f"empty_spectrum_{name}", kind, AttrDataFormat.SPECTRUM, [])
            self._add(f"empty_image_{name}", kind, AttrDataFormat.IMAGE, [[]])
        labels = [mode.name for mode in Mode]
        self._add("spectrum_DevEnum", tango.CmdArgType.DevEnum, AttrDataFormat.SPECTRUM, [2, 0], enum_labels=labels)
        self._add("image_DevEnum", tango.CmdArgType.DevEnum, AttrDataFormat.IMAGE, [[2, 0]], enum_labels=labels)
        for quality in ("VALID", "CHANGING", "WARNING", "ALARM"):
            stamped = (2.0, time.time(), getattr(AttrQuality, f"ATTR_{quality}"))
            self._add(f"quality_{quality.lower()}", tango.CmdArgType.DevDouble, AttrDataFormat.SCALAR, stamped)

    def _add(self, name: str, kind: tango.CmdArgType, shape: AttrDataFormat, value: object, **options: object) -> None:
        def read(_device: Device, _attribute: tango.Attribute) -> object:
            return value

        sizes = {
            AttrDataFormat.SCALAR: {},
            AttrDataFormat.SPECTRUM: {"max_dim_x": 16},
            AttrDataFormat.IMAGE: {"max_dim_x": 16, "max_dim_y": 16},
        }[shape]
        self.add_attribute(
            attribute(
                name=name, fget=read, dtype=kind, dformat=shape, access=tango.AttrWriteType.READ, **sizes, **options
            )
        )


if __name__ == "__main__":
    run((Everything,))
