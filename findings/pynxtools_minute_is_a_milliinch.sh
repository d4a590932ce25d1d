#!/bin/sh
# In pynxtools' table of units `min` is a thousandth of an inch, `h` is Planck's constant, and there is no day.
#
# NeXus asks for units in the spelling of UDUNITS, to which `min`, `h` and `d` are minute, hour and day, as they are to pint's own
# table. pynxtools judges units by a table of its own, so that a field in `min` of the category NX_TIME is reported as one of another
# category. The words `minute` and `hour` are times to both.
#
# Seen with pynxtools 0.16.0, pint 0.25.3:
#   min: pint minute, pynxtools milliinch
#   minute: pint minute, pynxtools minute
#   h: pint hour, pynxtools planck_constant
#   hour: pint hour, pynxtools hour
#   d: pint day, pynxtools not known
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q pint==0.25.3
# Its module of units needs nothing else of pynxtools's many dependencies.
venv/bin/pip install -q --no-deps pynxtools==0.16.0
cat > show.py <<'END'
import pint
from pynxtools.units import ureg

def kind(registry, unit):
    try:
        return registry.Unit(unit)
    except pint.UndefinedUnitError:
        return "not known"

own = pint.UnitRegistry()
for unit in ("min", "minute", "h", "hour", "d"):
    print(f"{unit}: pint {kind(own, unit)}, pynxtools {kind(ureg, unit)}")
END
venv/bin/python show.py 2>/dev/null | tee seen
cat > expected <<'END'
min: pint minute, pynxtools milliinch
minute: pint minute, pynxtools minute
h: pint hour, pynxtools planck_constant
hour: pint hour, pynxtools hour
d: pint day, pynxtools not known
END
cmp seen expected
