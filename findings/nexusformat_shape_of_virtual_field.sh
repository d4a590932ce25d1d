#!/bin/sh
# nexusformat takes the number of a virtual dataset's mappings for its first dimension.
#
# Six frames of one raw file are shown by two mappings of three frames each. h5py reads (6, 4, 5). nexusformat gives a field of
# shape (2, 4, 5), and its values cannot be read: there are too many for that shape. With one mapping for each frame both agree.
#
# Seen with nexusformat 2.1.0, h5py 3.16.0 (HDF5 2.0.0), numpy 2.4.6:
#   2 mappings: h5py (6, 4, 5), nexusformat (2, 4, 5), values: ValueError
#   6 mappings: h5py (6, 4, 5), nexusformat (6, 4, 5), values: (6, 4, 5)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q nexusformat==2.1.0 h5py==3.16.0 numpy==2.4.6
cat > show.py <<'END'
import h5py
import numpy as np
from nexusformat.nexus import nxload

SHAPE = (6, 4, 5)
with h5py.File("raw.h5", "w") as raw:
    raw["data"] = np.arange(120, dtype="u2").reshape(SHAPE)

for mappings in (2, 6):
    with h5py.File(f"m{mappings}.nxs", "w") as master:
        entry = master.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        layout, source = h5py.VirtualLayout(SHAPE, "u2"), h5py.VirtualSource("raw.h5", "data", SHAPE)
        step = SHAPE[0] // mappings
        for first in range(0, SHAPE[0], step):
            layout[first : first + step] = source[first : first + step]
        entry.create_virtual_dataset("data", layout)
    with h5py.File(f"m{mappings}.nxs") as master:
        own = master["entry/data"].shape
    field = nxload(f"m{mappings}.nxs")["entry/data"]
    try:
        values = field.nxdata.shape
    except ValueError:
        values = "ValueError"
    print(f"{mappings} mappings: h5py {own}, nexusformat {tuple(map(int, field.shape))}, values: {values}")
END
venv/bin/python show.py | tee seen
cat > expected <<'END'
2 mappings: h5py (6, 4, 5), nexusformat (2, 4, 5), values: ValueError
6 mappings: h5py (6, 4, 5), nexusformat (6, 4, 5), values: (6, 4, 5)
END
cmp seen expected
