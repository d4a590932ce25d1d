#!/bin/sh
# Some fields of the ESRF's catalogue definitions carry the description of another quantity.
#
# A reader who takes the descriptions over, as help in an editor or as attributes of a file, spreads them: the Guinier I(0), an
# intensity, is called a radius; a run's number is called buffer or sample; the flux at the end is called the one before the
# collection. Names and units are right.
#
# Seen with icat-esrf-definitions 3.8.0:
#   guinier_i0: Guinier radius of giration
#   run_number: It can be buffer or sample
#   fluxEnd: Flux in photon/s before data collection
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --no-deps icat-esrf-definitions==3.8.0
cat > show.py <<'END'
from importlib.metadata import files
from xml.etree import ElementTree

(path,) = [file.locate() for file in files("icat-esrf-definitions") if file.name == "hdf5_cfg.xml"]
root = ElementTree.parse(path).getroot()
for name in ("guinier_i0", "run_number", "fluxEnd"):
    print(f"{name}: {next(root.iter(name)).get('ESRF_description')}")
END
venv/bin/python show.py | tee seen
cat > expected <<'END'
guinier_i0: Guinier radius of giration
run_number: It can be buffer or sample
fluxEnd: Flux in photon/s before data collection
END
cmp seen expected
