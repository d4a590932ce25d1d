#!/bin/sh
# HDF5 reads HDF5_EXTFILE_PREFIX once, when it starts; HDF5_VDS_PREFIX and HDF5_EXT_PREFIX it reads at each access.
#
# A folder of raw files was moved. The three variables tell HDF5 where sources of virtual datasets, files of external storage and
# targets of external links are now. A program that sets them after `import h5py` finds the frames of the virtual dataset and the
# link, but not those of external storage, and nothing says why. Set before the program starts, all three work. Without any, the
# virtual dataset reads as its fill value, and the other two raise errors.
#
# Seen with h5py 3.16.0 (HDF5 2.0.0), numpy 2.4.6:
#   never: virtual 1, external OSError, link KeyError
#   after the import: virtual 7, external OSError, link 7
#   before the start: virtual 7, external 7, link 7
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q h5py==3.16.0 numpy==2.4.6
cat > make.py <<'END'
import os

import h5py
import numpy as np

os.mkdir("moved")
frames = np.full(3, 7, "u2")
frames.tofile("moved/raw.bin")
with h5py.File("moved/raw.h5", "w") as raw:
    raw["data"] = frames
with h5py.File("master.h5", "w") as master:
    layout = h5py.VirtualLayout((3,), "u2")
    layout[:] = h5py.VirtualSource("raw.h5", "data", (3,))
    master.create_virtual_dataset("virtual", layout, fillvalue=1)
    master.create_dataset("external", (3,), "u2", external=[("raw.bin", 0, 6)])
    master["link"] = h5py.ExternalLink("raw.h5", "/data")
END
cat > show.py <<'END'
import os
import sys

import h5py

def first(name):
    try:
        with h5py.File("master.h5") as master:
            return int(master[name][0])
    except (KeyError, OSError) as error:
        return type(error).__name__

if sys.argv[1] == "after the import":
    for name in ("HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX", "HDF5_EXT_PREFIX"):
        os.environ[name] = "moved"
print(f"{sys.argv[1]}: " + ", ".join(f"{name} {first(name)}" for name in ("virtual", "external", "link")))
END
venv/bin/python make.py
{
    venv/bin/python show.py never
    venv/bin/python show.py "after the import"
    HDF5_VDS_PREFIX=moved HDF5_EXTFILE_PREFIX=moved HDF5_EXT_PREFIX=moved venv/bin/python show.py "before the start"
} | tee seen
cat > expected <<'END'
never: virtual 1, external OSError, link KeyError
after the import: virtual 7, external OSError, link 7
before the start: virtual 7, external 7, link 7
END
cmp seen expected
