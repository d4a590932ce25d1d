"""A Tango device whose attributes each take as long as its property `latency_ms` says."""

from __future__ import annotations

import time

from tango.server import Device, attribute, device_property, run

ATTRIBUTES = 10


class Latency(Device):
    """Attributes value0, value1 …, each of its own number and a half, in mm."""

    latency_ms = device_property(dtype=float, default_value=0.0)

    def initialize_dynamic_attributes(self) -> None:
        for number in range(ATTRIBUTES):
            self.add_attribute(attribute(name=f"value{number}", fget=self._reader(number), dtype=float, unit="mm"))

    def _reader(self, number: int):
        def read(device: Latency, _attribute: object) -> float:
            if device.latency_ms:
                time.sleep(device.latency_ms / 1000)
            return number + 0.5

        return read


if __name__ == "__main__":
    run((Latency,))
