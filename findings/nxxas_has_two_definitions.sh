#!/bin/sh
# Two validators of one name judge an entry of NXxas by two different definitions, and nothing but a sample's name and the energy
# of a plot is in both.
#
# nexusformat carries NXxas as an application definition: an instrument with a monochromator, an incoming and an absorbed beam, and
# a monitor. pynxtools carries it as a contributed definition, of another committee: an element, an edge, `energy` and `intensity`
# directly in the entry. Both want the same text in the field `definition`. An entry that satisfies one lacks most of the other's
# fields.
#
# Seen with nexusformat 2.1.0 and pynxtools 0.16.0:
#   nexusformat: applications, with ENTRY/INSTRUMENT/monochromator/energy, without ENTRY/element
#   pynxtools: contributed_definitions, with ENTRY/element, without ENTRY/INSTRUMENT/monochromator/energy
#   in both: ENTRY, ENTRY/DATA, ENTRY/DATA/energy, ENTRY/SAMPLE, ENTRY/SAMPLE/name, ENTRY/definition
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
# Only the files of the definitions are read: none of what the packages depend on.
venv/bin/pip install -q --no-deps nexusformat==2.1.0 pynxtools==0.16.0
cat > show.py <<'END'
import importlib.util
from pathlib import Path
from xml.etree import ElementTree

NXDL = "{http://definition.nexusformat.org/nxdl/3.1}"

def members(node, path=""):
    for child in node:
        if child.tag in (f"{NXDL}field", f"{NXDL}group", f"{NXDL}link"):
            name = path + (child.get("name") or child.get("type").removeprefix("NX").upper())
            yield name
            yield from members(child, f"{name}/")

found = {}
for package in ("nexusformat", "pynxtools"):
    (file,) = (Path(importlib.util.find_spec(package).origin).parent / "definitions").rglob("NXxas.nxdl.xml")
    found[package] = set(members(ElementTree.parse(file).getroot()))
    marks = {name: "with" if name in found[package] else "without"
             for name in ("ENTRY/element", "ENTRY/INSTRUMENT/monochromator/energy")}
    print(f"{package}: {file.parent.name}, "
          + ", ".join(f"{mark} {name}" for name, mark in sorted(marks.items(), key=lambda item: item[1])))
print("in both: " + ", ".join(sorted(set.intersection(*found.values()))))
END
venv/bin/python show.py | tee seen
cat > expected <<'END'
nexusformat: applications, with ENTRY/INSTRUMENT/monochromator/energy, without ENTRY/element
pynxtools: contributed_definitions, with ENTRY/element, without ENTRY/INSTRUMENT/monochromator/energy
in both: ENTRY, ENTRY/DATA, ENTRY/DATA/energy, ENTRY/SAMPLE, ENTRY/SAMPLE/name, ENTRY/definition
END
cmp seen expected
