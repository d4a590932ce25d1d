#!/bin/sh
# What a virtual dataset keeps of its source's shape depends on how much of the source it shows, and is never the shape itself.
#
# A source has five frames. A virtual dataset that shows three of them, from the second on, gives a selection in a space of four
# frames when the file is opened again: it ends where the selection ends. One that shows all five gives a selection without
# dimensions, whose bounds cannot be asked for. The values of both are read rightly. A program that wants to know how many frames
# the source had when it was mapped finds the number of neither, and has to open the source.
#
# Seen with h5py 3.16.0 (HDF5 2.0.0), numpy 2.4.6:
#   part: shape (4, 2, 3), bounds ((1, 0, 0), (3, 1, 2)), first value 6
#   whole: shape (), bounds ValueError, first value 0
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q h5py==3.16.0 numpy==2.4.6
cat > show.py <<'END'
import h5py
import numpy as np

FRAMES = (5, 2, 3)
with h5py.File("raw.h5", "w") as raw:
    raw["data"] = np.arange(30, dtype="u2").reshape(FRAMES)

with h5py.File("master.h5", "w") as master:
    source = h5py.VirtualSource("raw.h5", "data", FRAMES)
    for name, shown in {"part": source[1:4], "whole": source}.items():
        layout = h5py.VirtualLayout(shown.shape, "u2")
        layout[:] = shown
        master.create_virtual_dataset(name, layout)

def bounds(space):
    try:
        return tuple(tuple(int(one) for one in corner) for corner in space.get_select_bounds())
    except ValueError:
        return "ValueError"

with h5py.File("master.h5") as master:
    for name in ("part", "whole"):
        (mapping,) = master[name].virtual_sources()
        space = mapping.src_space
        print(f"{name}: shape {space.shape}, bounds {bounds(space)}, first value {master[name][0, 0, 0]}")
END
venv/bin/python show.py | tee seen
cat > expected <<'END'
part: shape (4, 2, 3), bounds ((1, 0, 0), (3, 1, 2)), first value 6
whole: shape (), bounds ValueError, first value 0
END
cmp seen expected
