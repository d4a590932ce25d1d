#!/bin/sh
# HDF5 reads the name of a virtual dataset's source as a pattern in printf's form, and that of an external link as it is.
#
# A raw file is called `50%.h5`, which is a valid name. An external link to it works. A virtual dataset cannot be made with that name:
# HDF5 takes `%` for the beginning of a pattern, and refuses it. With `%%` for `%` the virtual dataset works, and an external
# link of that spelling leads nowhere. Who writes both must spell the same name in two ways. H5Pset_virtual documents the
# pattern; h5py passes names on as they are.
#
# Seen with h5py 3.16.0 (HDF5 2.0.0), numpy 2.4.6:
#   50%.h5: external link [1 2 3], virtual dataset refused
#   50%%.h5: external link not found, virtual dataset [1 2 3]
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q h5py==3.16.0 numpy==2.4.6
cat > show.py <<'END'
import h5py
import numpy as np

with h5py.File("50%.h5", "w") as raw:
    raw["data"] = np.array([1, 2, 3], "i4")

for name in ("50%.h5", "50%%.h5"):
    with h5py.File("master.h5", "w") as master:
        master["linked"] = h5py.ExternalLink(name, "data")
        try:
            linked = master["linked"][()]
        except KeyError:
            linked = "not found"
        layout = h5py.VirtualLayout((3,), "i4")
        try:
            layout[:] = h5py.VirtualSource(name, "data", (3,))
            virtual = master.create_virtual_dataset("virtual", layout, fillvalue=9)[()]
        except (RuntimeError, ValueError):
            virtual = "refused"
    print(f"{name}: external link {linked}, virtual dataset {virtual}")
END
venv/bin/python show.py | tee seen
cat > expected <<'END'
50%.h5: external link [1 2 3], virtual dataset refused
50%%.h5: external link not found, virtual dataset [1 2 3]
END
cmp seen expected
