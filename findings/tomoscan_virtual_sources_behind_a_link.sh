#!/bin/sh
# tomoscan looks for the sources of a virtual dataset beside the file that it was given, and not beside the file that holds the
# virtual dataset.
#
# A master has an external link to an entry in another folder, which has a virtual dataset over a file beside itself. HDF5 resolves
# the source's name from the folder of the entry's file, and every frame reads. tomoscan's check of virtual datasets, which
# nabu-validator uses, takes the name from the master's folder, and says that the links are broken. A virtual dataset that
# names its own file (`.`), with a path that leads through an external link, reads alike and passes the check.
#
# Seen with tomoscan 2.5.1, silx 3.1.3, h5py 3.16.0 (HDF5 2.0.0), numpy 2.4.6:
#   by_name: frames read True, called broken True
#   by_link: frames read True, called broken False
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q tomoscan==2.5.1 silx==3.1.3 h5py==3.16.0 numpy==2.4.6
cat > show.py <<'END'
import logging
import os

import h5py
import numpy as np
from silx.io.url import DataUrl
from tomoscan.esrf.scan.utils import dataset_has_broken_vds

logging.disable()
FRAMES = np.arange(24, dtype="u2").reshape(2, 3, 4)
os.mkdir("entries")
with h5py.File("entries/raw.h5", "w") as raw:
    raw["data"] = FRAMES
with h5py.File("entries/entry.h5", "w") as file:
    file["entry/raw"] = h5py.ExternalLink("raw.h5", "data")
    for name, source in (("by_name", ("raw.h5", "data")), ("by_link", (".", "/entry/raw"))):
        layout = h5py.VirtualLayout(FRAMES.shape, "u2")
        layout[:] = h5py.VirtualSource(*source, FRAMES.shape)
        file["entry"].create_virtual_dataset(name, layout)
with h5py.File("master.h5", "w") as master:
    master["entry"] = h5py.ExternalLink("entries/entry.h5", "entry")

for name in ("by_name", "by_link"):
    with h5py.File("master.h5") as master:
        read = np.array_equal(master[f"entry/{name}"][()], FRAMES)
    url = DataUrl(file_path=os.path.abspath("master.h5"), data_path=f"entry/{name}", scheme="silx")
    print(f"{name}: frames read {read}, called broken {dataset_has_broken_vds(url)}")
END
venv/bin/python show.py | tee seen
cat > expected <<'END'
by_name: frames read True, called broken True
by_link: frames read True, called broken False
END
cmp seen expected
