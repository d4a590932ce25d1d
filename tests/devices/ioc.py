"""An IOC with a record of each type, served by caproto."""

from __future__ import annotations

import sys

from caproto import AlarmSeverity, AlarmStatus, ChannelType
from caproto.server import PVGroup, pvproperty, run


class Ioc(PVGroup):
    # Records of one alarm group share their alarm, and each write of one of them sets it.
    energy = pvproperty(value=12.5, units="keV", precision=3, alarm_group="energy")
    small = pvproperty(value=0.5, dtype=ChannelType.FLOAT)
    count = pvproperty(value=-7)
    short = pvproperty(value=300, dtype=ChannelType.INT)
    mode = pvproperty(value="on", enum_strings=["off", "on"], dtype=ChannelType.ENUM)
    name = pvproperty(value="bone", dtype=ChannelType.STRING)
    wave = pvproperty(value=[1.5, 2.5, 3.5], units="mm")
    path = pvproperty(value="/data/å.h5", dtype=ChannelType.CHAR, max_length=256, string_encoding="utf-8")
    x = pvproperty(value=1.0, units="mm")
    y = pvproperty(value=2.0, units="um")
    severity = pvproperty(value=0)
    unit = pvproperty(value="keV", dtype=ChannelType.STRING)

    @severity.putter
    async def severity(self, instance, value):
        del instance
        status = AlarmStatus.HIHI if value else AlarmStatus.NO_ALARM
        await self.energy.alarm.write(severity=AlarmSeverity(value), status=status)

    @unit.putter
    async def unit(self, instance, value):
        del instance
        await self.energy.write_metadata(units=value)


if __name__ == "__main__":
    run(Ioc(prefix=sys.argv[1]).pvdb, interfaces=["127.0.0.1"])
