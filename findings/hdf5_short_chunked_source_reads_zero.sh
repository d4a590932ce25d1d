#!/bin/sh
# Where the source of a virtual dataset has fewer frames than are mapped, a slice that was mapped reads as 0, whatever the fill
# value; mapped as a whole, the same frames are an error.
#
# The virtual dataset shows four frames of a chunked source that has two, as when a detector stopped early, and has the fill value
# 65535. With a mapping by slices nothing fails, and the frames that are not there are 0, which is a valid count: only a look at
# the source's own shape tells. With the whole source mapped at once reading these frames fails.
#
# Seen with h5py 3.16.0 (HDF5 2.0.0), numpy 2.4.6:
#   by slices: [7, 7, 0, 0]
#   as a whole: [7, 7, 'OSError', 'OSError']
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q h5py==3.16.0 numpy==2.4.6
cat > show.py <<'END'
import h5py
import numpy as np

with h5py.File("raw.h5", "w") as raw:
    raw.create_dataset("data", data=np.full((2, 2, 2), 7, "u2"), chunks=(1, 2, 2))

def first_pixel(dataset, frame):
    try:
        return int(dataset[frame][0, 0])
    except OSError:
        return "OSError"

for words in ("by slices", "as a whole"):
    with h5py.File("master.h5", "w") as master:
        layout, source = h5py.VirtualLayout((4, 2, 2), "u2"), h5py.VirtualSource("raw.h5", "data", (4, 2, 2))
        if words == "by slices":
            for frame in range(4):
                layout[frame] = source[frame]
        else:
            layout[:] = source
        master.create_virtual_dataset("data", layout, fillvalue=65535)
    with h5py.File("master.h5") as master:
        print(f"{words}: {[first_pixel(master['data'], frame) for frame in range(4)]}")
END
venv/bin/python show.py | tee seen
cat > expected <<'END'
by slices: [7, 7, 0, 0]
as a whole: [7, 7, 'OSError', 'OSError']
END
cmp seen expected
