#!/bin/sh
# In a caproto server all variables of one group share one alarm: writing that of one sets that of all the others.
#
# An IOC whose vacuum gauge fails marks the gauge's variable as INVALID. Clients then see the ring current of the same group as
# INVALID, too, though its value is good. A variable has an alarm of its own only with an `alarm_group` of its own.
#
# Seen with caproto 1.3.0 (3 is INVALID_ALARM, 0 is NO_ALARM):
#   pressure 3
#   current 3
#   energy, which names an alarm_group: 0
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q caproto==1.3.0
cat > show.py <<'END'
import asyncio

from caproto import AlarmSeverity
from caproto.server import PVGroup, pvproperty

class Ring(PVGroup):
    pressure = pvproperty(value=1e-9)
    current = pvproperty(value=200.0)
    energy = pvproperty(value=6.0, alarm_group="energy")

async def main():
    ring = Ring(prefix="ring:")
    await ring.pressure.alarm.write(severity=AlarmSeverity.INVALID_ALARM)
    print("pressure", int(ring.pressure.alarm.severity))
    print("current", int(ring.current.alarm.severity))
    print("energy, which names an alarm_group:", int(ring.energy.alarm.severity))

asyncio.run(main())
END
venv/bin/python show.py | tee seen
cat > expected <<'END'
pressure 3
current 3
energy, which names an alarm_group: 0
END
cmp seen expected
