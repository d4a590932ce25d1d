"""A small valid experiment, and the ways to damage it: disks, people and programs have brought each of them about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from some_scans import edf_series, ended, frames, hdf5_scan, hdf5_series, reading, started

from nxscribe.model import RawSeries
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import write_nexus
from nxscribe.projections.nexus.validate import Check

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <attribute name="default">data</attribute>
  <definition>NXtomo<attribute name="needs">/instrument/detector/image_key</attribute></definition>
  <title ESRF_mandatory="Mandatory">${sampleName} - ${scanName}</title>
  <start_time NAPItype="NX_DATE_TIME">${startDate}</start_time>
  <end_time NAPItype="NX_DATE_TIME" record="final">${endDate}</end_time>
  <group NX_class="NXinstrument" groupName="instrument">
    <group NX_class="NXsource" groupName="source">
      <type>Synchrotron X-ray Source</type><name>ESRF</name><probe>x-ray</probe>
    </group>
    <group NX_class="NXdetector" groupName="detector">
      <image_key NAPItype="NX_INT" record="final">${image_key}</image_key>
      <x_pixel_size NAPItype="NX_FLOAT" units="um" NX_units="NX_LENGTH">6.5</x_pixel_size>
      <y_pixel_size NAPItype="NX_FLOAT" units="um" NX_units="NX_LENGTH">6.5</y_pixel_size>
      <distance NAPItype="NX_FLOAT" units="mm" NX_units="NX_LENGTH">100</distance>
    </group>
  </group>
  <group NX_class="NXsample" groupName="sample">
    <name>${Sample_name}</name>
    <rotation_angle NAPItype="NX_FLOAT" units="deg" record="final">${rotation_angle}</rotation_angle>
    <identifier_sample>10.15151/ESRF-DC-1234<attribute name="type">DOI</attribute></identifier_sample>
  </group>
  <group NX_class="NXuser" groupName="user">
    <name>M. Curie</name>
    <identifier_orcid>0000-0002-1825-0097<attribute name="type">ORCID</attribute></identifier_orcid>
    <identifier_home>https://ror.org/02550n020<attribute name="type">ROR</attribute></identifier_home>
  </group>
  <group NX_class="NXdata" groupName="data">
    <attribute name="signal">data</attribute>
    <attribute name="axes">rotation_angle . .</attribute>
    <link groupName="data" ref="/instrument/detector/data"/>
    <link groupName="rotation_angle" ref="/sample/rotation_angle"/>
    <link groupName="image_key" ref="/instrument/detector/image_key"/>
  </group>
</group>
"""
TOMO, PARTS, HOLO = "entry_0001", "entry_0002", "entry_0003"
"""With frames in one HDF5 file, in several, and in EDF files."""


def make_experiment(folder: Path) -> Path:
    """Three valid scans. The folder is moved afterwards, so that nothing in it leads to where it was made."""
    making = folder / "making"
    making.mkdir(parents=True)
    for number, raw in enumerate((hdf5_scan, hdf5_series, edf_series), 1):
        record = started(making, number=number, text=DEFINITION)
        record = ended(record, _raw(raw, record), image_key=reading(np.asarray([2, 1, 0, 0, 0, 1])))
        record.detectors["pco"] = "instrument/detector"
        write_nexus(record, FileSettings(making))
    return Path(shutil.move(making, folder / "made"))


def _raw(make: Callable[..., RawSeries], record: object) -> RawSeries:
    return make(record, frames())


@dataclass(frozen=True, slots=True)
class Experiment:
    """A copy that may be damaged."""

    root: Path

    @property
    def master(self) -> Path:
        return self.root / "ma2210/id16a/ma2210-id16a.h5"

    def entry_file(self, entry: str) -> Path:
        return self.master.with_name("ma2210-id16a_entries") / f"{entry}.h5"

    def raw(self, pattern: str) -> Path:
        return min(self.root.rglob(pattern))

    def edit(self, path: Path | None = None) -> h5py.File:
        """A file for changing: by default the tomography's entry."""
        path = path or self.entry_file(TOMO)
        path.chmod(0o644)
        return h5py.File(path, "r+")


def copy_of(made: Path, folder: Path) -> Experiment:
    """All of it but what is read-only stays so: `edit` changes that for one file."""
    shutil.copytree(made, folder / "data")
    return Experiment(folder / "data")


Damage = Callable[[Experiment], None]
DAMAGES: dict[str, tuple[Damage, Check]] = {}
"""By a sentence: what is done, and the check that must find it."""
FOR_OTHERS = frozenset({Check.NEXUSFORMAT, Check.PYNXTOOLS})
"""The checks that take seconds: the tests run them only where they are what finds the damage."""
E = "/entry_0001"


def damage(sentence: str, found_by: Check) -> Callable[[Damage], Damage]:
    def enter(function: Damage) -> Damage:
        DAMAGES[sentence] = (function, found_by)
        return function

    return enter


def replace(experiment: Experiment, path: str, value: object, **attributes: object) -> None:
    """Put another value in a dataset's place; its attributes stay, but for those given."""
    with experiment.edit() as file:
        kept = dict(file[path].attrs)
        del file[path]
        file[path] = value
        for name, one in (kept | attributes).items():
            if one is not None:
                file[path].attrs[name] = one


def attribute(path: str, name: str, value: object) -> Damage:
    """A damage that sets an attribute, or drops it where the value is None."""

    def change(experiment: Experiment) -> None:
        with experiment.edit() as file:
            if value is None:
                del file[path].attrs[name]
            else:
                file[path].attrs[name] = value

    return change


def field(path: str, value: object, **attributes: object) -> Damage:
    return lambda experiment: replace(experiment, path, value, **attributes)


def without(path: str) -> Damage:
    def drop(experiment: Experiment) -> None:
        with experiment.edit() as file:
            del file[path]

    return drop


def soft(path: str, target: str) -> Damage:
    def link(experiment: Experiment) -> None:
        with experiment.edit() as file:
            if path in file:
                del file[path]
            file[path] = h5py.SoftLink(target)

    return link


def cut(path: Path, share: float = 0.5) -> None:
    path.chmod(0o644)
    os.truncate(path, int(path.stat().st_size * share))


# Links
@damage("the file of an entry is gone", Check.LINKS)
def _(experiment: Experiment) -> None:
    experiment.entry_file(TOMO).unlink()


@damage("the file of an entry is cut off", Check.LINKS)
def _(experiment: Experiment) -> None:
    cut(experiment.entry_file(TOMO))


@damage("the file of an entry is another program's, without the entry", Check.LINKS)
def _(experiment: Experiment) -> None:
    with experiment.edit() as file:
        file.move(E, "/entry")


@damage("the raw file is gone", Check.LINKS)
def _(experiment: Experiment) -> None:
    experiment.raw("tomo_0000.h5").unlink()


@damage("the raw file is cut off", Check.LINKS)
def _(experiment: Experiment) -> None:
    cut(experiment.raw("tomo_0000.h5"))


@damage("the raw file is not HDF5 any more", Check.LINKS)
def _(experiment: Experiment) -> None:
    experiment.raw("tomo_0000.h5").write_bytes(b"moved to tape\n")


@damage("the raw file has its frames elsewhere", Check.LINKS)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.raw("tomo_0000.h5")) as file:
        file.move("entry_0000/measurement/data", "entry_0000/measurement/frames")


@damage("a soft link of a plot dangles", Check.LINKS)
def _(experiment: Experiment) -> None:
    soft(f"{E}/data/rotation_angle", f"{E}/sample/rotation")(experiment)


@damage("two soft links lead to each other", Check.LINKS)
def _(experiment: Experiment) -> None:
    soft(f"{E}/one", f"{E}/two")(experiment)
    soft(f"{E}/two", f"{E}/one")(experiment)


@damage("the file through which EDF frames are read is gone", Check.LINKS)
def _(experiment: Experiment) -> None:
    experiment.raw("frames/*/entry_0003.h5").unlink()


DAMAGES["a target names another place"] = (attribute(f"{E}/sample/rotation_angle", "target", f"{E}/a/b"), Check.LINKS)


# Raw data
@damage("a source of a virtual dataset is gone", Check.RAW)
def _(experiment: Experiment) -> None:
    experiment.raw("part_0001.h5").unlink()


@damage("a source of a virtual dataset is cut off", Check.RAW)
def _(experiment: Experiment) -> None:
    cut(experiment.raw("part_0001.h5"))


@damage("a source of a virtual dataset has its frames elsewhere", Check.RAW)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.raw("part_0001.h5")) as file:
        file.move("entry_0000/measurement/data", "entry_0000/measurement/frames")


@damage("a source of a virtual dataset has fewer frames than are shown of it", Check.RAW)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.raw("part_0001.h5")) as file:
        first = file["entry_0000/measurement/data"][:1]
        del file["entry_0000/measurement/data"]
        file["entry_0000/measurement/data"] = first


@damage("a source of a virtual dataset has frames of another size", Check.RAW)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.raw("part_0001.h5")) as file:
        smaller = file["entry_0000/measurement/data"][:, :2]
        del file["entry_0000/measurement/data"]
        file["entry_0000/measurement/data"] = smaller


@damage("a source of a virtual dataset has frames of another type", Check.RAW)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.raw("part_0001.h5")) as file:
        other = file["entry_0000/measurement/data"][()].astype("float32")
        del file["entry_0000/measurement/data"]
        file["entry_0000/measurement/data"] = other


@damage("an EDF file is cut off", Check.RAW)
def _(experiment: Experiment) -> None:
    path = experiment.raw("holo_0003.edf")
    os.truncate(path, path.stat().st_size - 7)


@damage("an EDF file is empty", Check.RAW)
def _(experiment: Experiment) -> None:
    os.truncate(experiment.raw("holo_0002.edf"), 0)


@damage("the raw file holds no frames", Check.RAW)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.raw("tomo_0000.h5")) as file:
        del file["entry_0000/measurement/data"]
        file.create_dataset("entry_0000/measurement/data", (0, 4, 5), "u2")


@damage("compressed frames are damaged in their bytes", Check.RAW)
def _(experiment: Experiment) -> None:
    raw = experiment.raw("tomo_0000.h5")
    with experiment.edit(raw) as file:
        seen = file["entry_0000/measurement/data"][()]
        del file["entry_0000/measurement/data"]
        data = file.create_dataset("entry_0000/measurement/data", data=seen, chunks=(1, 4, 5), compression="gzip")
        chunk = data.id.get_chunk_info(0)
    with raw.open("r+b") as opened:
        opened.seek(chunk.byte_offset)
        opened.write(b"\xff" * chunk.size)


@damage("the entry itself says that frames could not be linked", Check.RAW)
def _(experiment: Experiment) -> None:
    with experiment.edit() as file:
        account = file[f"{E}/nxscribe"]
        account["missing"], account["missing_reason"] = ["instrument/detector/data"], ["the file is truncated"]


@damage("a listed raw file that nothing links to is gone", Check.RAW)
def _(experiment: Experiment) -> None:
    replace(experiment, f"{E}/measurement/files", ["bone/scan0001/tomo_0000.h5", "bone/scan0001/tomo_0001.cbf"])


# The way to a plot
@damage("the master names no default", Check.DEFAULT)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.master) as file:
        del file.attrs["default"]


@damage("the master's default names no entry", Check.DEFAULT)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.master) as file:
        file.attrs["default"] = "entry_0009"


DAMAGES |= {
    "an entry's default names nothing": (attribute(E, "default", "plot"), Check.DEFAULT),
    "a plot names no signal": (attribute(f"{E}/data", "signal", None), Check.DEFAULT),
    "a plot's signal is not there": (attribute(f"{E}/data", "signal", "counts"), Check.DEFAULT),
    "a plot names too few axes": (attribute(f"{E}/data", "axes", ["rotation_angle"]), Check.DEFAULT),
    "a plot's axis is not there": (attribute(f"{E}/data", "axes", ["angle", ".", "."]), Check.DEFAULT),
    "an axis is longer than its dimension": (field(f"{E}/sample/rotation_angle", np.arange(9.0)), Check.DEFAULT),
    "an axis runs along a dimension that is none": (
        attribute(f"{E}/data", "rotation_angle_indices", 3),
        Check.DEFAULT,
    ),
}


@damage("the newest entry, where the way begins, has no default", Check.DEFAULT)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.entry_file(HOLO)) as file:
        del file["entry_0003"].attrs["default"]


# Units, times, identifiers
_PIXEL = f"{E}/instrument/detector/x_pixel_size"
DAMAGES |= {
    "a unit has the wrong dimension": (attribute(_PIXEL, "units", "s"), Check.UNITS),
    "a unit is in the wrong case": (attribute(f"{E}/sample/rotation_angle", "units", "Degrees"), Check.UNITS),
    "a unit has a Greek letter": (attribute(_PIXEL, "units", "\u03bcm"), Check.UNITS),
    "a unit is a word of no meaning": (attribute(_PIXEL, "units", "blobs"), Check.UNITS),
    "a unit is empty": (attribute(_PIXEL, "units", ""), Check.UNITS),
    "a unit is a number": (attribute(_PIXEL, "units", 1e-6), Check.UNITS),
    "a length has no unit": (attribute(_PIXEL, "units", None), Check.NEXUSFORMAT),
    "the start has no zone": (field(f"{E}/start_time", "2026-03-01T12:00:00"), Check.TIMES),
    "the start is no time": (field(f"{E}/start_time", "01.03.2026 12:00"), Check.TIMES),
    "the end is before the start": (field(f"{E}/end_time", "2020-03-01T12:00:00+01:00"), Check.TIMES),
    "a time stamp has no zone": (attribute(f"{E}/sample/rotation_angle", "timestamp", "2026-03-01 12:00"), Check.TIMES),
    "an ORCID has a wrong digit": (field(f"{E}/user/identifier_orcid", "0000-0002-1825-0096"), Check.IDENTIFIERS),
    "an ORCID lacks its dashes": (field(f"{E}/user/identifier_orcid", "0000000218250097"), Check.IDENTIFIERS),
    "a DOI is a number": (field(f"{E}/sample/identifier_sample", "1234567"), Check.IDENTIFIERS),
    "a ROR has a wrong digit": (field(f"{E}/user/identifier_home", "https://ror.org/02550n021"), Check.IDENTIFIERS),
}


@damage("the file's own time has no zone", Check.TIMES)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.master) as file:
        file.attrs["file_time"] = "2026-03-01T12:00:00"


# The entry against its definition
@damage("the definition in the entry was changed", Check.ACCOUNT)
def _(experiment: Experiment) -> None:
    with experiment.edit() as file:
        del file[f"{E}/nxscribe/definition_text"]
        file[f"{E}/nxscribe/definition_text"] = ["<group/>", ""]


@damage("a mandatory value is not there", Check.ACCOUNT)
def _(experiment: Experiment) -> None:
    without(f"{E}/title")(experiment)


# The file
@damage("the master is no HDF5 file", Check.FILE)
def _(experiment: Experiment) -> None:
    experiment.master.chmod(0o644)
    experiment.master.write_bytes(b"")


@damage("the master is gone", Check.FILE)
def _(experiment: Experiment) -> None:
    experiment.master.unlink()


@damage("the root is no NXroot", Check.FILE)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.master) as file:
        file.attrs["NX_class"] = "NXfile"


@damage("an entry is no NXentry", Check.FILE)
def _(experiment: Experiment) -> None:
    attribute(E, "NX_class", "NXscan")(experiment)


# NeXus
DAMAGES |= {
    "the kinds of the frames are not there": (without(f"{E}/instrument/detector/image_key"), Check.NEXUSFORMAT),
    "there are more kinds than frames": (field(f"{E}/instrument/detector/image_key", [2, 1, 0] * 4), Check.NXTOMO),
    "the angles are not there": (without(f"{E}/sample/rotation_angle"), Check.PYNXTOOLS),
    "the angles are texts": (field(f"{E}/sample/rotation_angle", ["0", "9"] * 3), Check.ACCOUNT),
    "a pixel size is in another unit of length": (attribute(_PIXEL, "units", "mm"), Check.UNITS),
    "an axis of a plot leads to another field": (
        soft(f"{E}/data/rotation_angle", f"{E}/instrument/detector/image_key"),
        Check.LINKS,
    ),
    "a link of a plot is removed": (without(f"{E}/data/image_key"), Check.LINKS),
    "the list of a detector's raw files is removed": (without(f"{E}/instrument/detector/data_file"), Check.RAW),
    "the list of all raw files is removed": (without(f"{E}/measurement/files"), Check.RAW),
    "a pixel size is a text": (field(_PIXEL, "6.5"), Check.ACCOUNT),
    "a pixel size is another than the definition says": (field(_PIXEL, 6.4), Check.ACCOUNT),
    "the start is a number": (field(f"{E}/start_time", 1772366400.0), Check.ACCOUNT),
    "the end is years later than the duration tells": (
        field(f"{E}/end_time", "2036-03-01T12:00:00+01:00"),
        Check.TIMES,
    ),
    "the kinds of the frames are no integers": (
        field(f"{E}/instrument/detector/image_key", [2, 1, 0, 0, 0, 1.5]),
        Check.NXTOMO,
    ),
    "the kind of a frame is none of NXtomo's": (
        field(f"{E}/instrument/detector/image_key", [2, 1, 0, 0, 7, 1]),
        Check.NXTOMO,
    ),
    "the radiation is none of NeXus's": (field(f"{E}/instrument/source/probe", "light"), Check.PYNXTOOLS),
    "the sample has no name": (without(f"{E}/sample/name"), Check.NEXUSFORMAT),
    "the detector is not called detector": (
        lambda experiment: rename(experiment, f"{E}/instrument/detector", f"{E}/instrument/camera"),
        Check.NEXUSFORMAT,
    ),
    "a group has a class that NeXus does not have": (attribute(f"{E}/user", "NX_class", "NXhuman"), Check.NEXUSFORMAT),
    "a group has no class": (attribute(f"{E}/sample", "NX_class", None), Check.NEXUSFORMAT),
    "a name has a space": (
        lambda experiment: rename(experiment, f"{E}/user", f"{E}/main user"),
        Check.NEXUSFORMAT,
    ),
    "the claim is of a definition that NeXus does not have": (
        field(f"{E}/definition", "NXtomography"),
        Check.NEXUSFORMAT,
    ),
    "the claim is of another technique": (field(f"{E}/definition", "NXsas"), Check.PYNXTOOLS),
    "the frames are a single number each": (
        lambda experiment: swap_frames(experiment, np.arange(6)),
        Check.NXTOMO,
    ),
}


def rename(experiment: Experiment, path: str, name: str) -> None:
    with experiment.edit() as file:
        file.move(path, name)


def swap_frames(experiment: Experiment, data: np.ndarray) -> None:
    with experiment.edit() as file:
        del file[f"{E}/instrument/detector/data"]
        file[f"{E}/instrument/detector/data"] = data
        del file[f"{E}/data"].attrs["axes"]


# What was changed behind nxscribe's back
DAMAGES |= {
    "the claim is removed": (without(f"{E}/definition"), Check.ACCOUNT),
    "the probe is another than the definition says": (
        field(f"{E}/instrument/source/probe", "neutron"),
        Check.ACCOUNT,
    ),
    "a field is removed that was not missing": (without(f"{E}/instrument/source/name"), Check.ACCOUNT),
    "a field has another name": (
        lambda experiment: rename(experiment, f"{E}/sample/rotation_angle", f"{E}/sample/angle"),
        Check.ACCOUNT,
    ),
    "what a link of a plot leads to has no target": (
        attribute(f"{E}/sample/rotation_angle", "target", None),
        Check.LINKS,
    ),
    "a rotation angle is not a number": (
        field(f"{E}/sample/rotation_angle", np.asarray([0, 1, np.nan, 3, 4, 5.0])),
        Check.VALUES,
    ),
    "the account is removed": (without(f"{E}/nxscribe"), Check.ACCOUNT),
    "a group has another class than the definition says": (
        attribute(f"{E}/instrument/detector", "NX_class", "NXdetektor"),
        Check.ACCOUNT,
    ),
    "a unit that the definition asks for is removed": (attribute(_PIXEL, "units", None), Check.UNITS),
    "an identifier lost its type": (attribute(f"{E}/sample/identifier_sample", "type", None), Check.ACCOUNT),
    "a plot lost its title": (without(f"{E}/data/title"), Check.DEFAULT),
    "an entry names no default": (attribute(E, "default", None), Check.DEFAULT),
    "an entry's file names no default": (attribute("/", "default", None), Check.DEFAULT),
    "an entry's file has no root class": (attribute("/", "NX_class", None), Check.FILE),
    "an entry's file does not say when it was made": (attribute("/", "file_time", None), Check.FILE),
    "a pixel size is negative": (field(_PIXEL, -6.5), Check.VALUES),
    "a pixel size is zero": (field(_PIXEL, 0.0), Check.VALUES),
    "a distance is not a number": (field(f"{E}/instrument/detector/distance", np.nan), Check.VALUES),
    "a distance is infinite": (field(f"{E}/instrument/detector/distance", np.inf), Check.VALUES),
    "an ORCID without its type has a wrong digit": (
        field(f"{E}/user/identifier_orcid", "0000-0002-1825-0096", type=None),
        Check.IDENTIFIERS,
    ),
}


@damage("an attribute claims what the field does not", Check.ACCOUNT)
def _(experiment: Experiment) -> None:
    attribute(E, "definition", "NXsas")(experiment)


@damage("the count times of some frames are negative", Check.VALUES)
def _(experiment: Experiment) -> None:
    with experiment.edit() as file:
        file[f"{E}/instrument/detector/count_time"] = np.asarray([0.1, 0.1, -0.1, 0.1, 0.1, 0.1])


@damage("the ring current is negative", Check.VALUES)
def _(experiment: Experiment) -> None:
    with experiment.edit() as file:
        file[f"{E}/instrument/source/current"] = -200.0


@damage("an attenuator lets more through than comes in", Check.VALUES)
def _(experiment: Experiment) -> None:
    with experiment.edit() as file:
        attenuator = file.create_group(f"{E}/instrument/attenuator")
        attenuator.attrs["NX_class"] = "NXattenuator"
        attenuator["attenuator_transmission"] = 7.0


@damage("the master's root says nothing but its class and default", Check.FILE)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.master) as file:
        for name in set(file.attrs) - {"NX_class", "default"}:
            del file.attrs[name]


@damage("the link to the frames is removed", Check.RAW)
def _(experiment: Experiment) -> None:
    with experiment.edit() as file:
        del file[f"{E}/instrument/detector/data"]


@damage("the count time is negative", Check.VALUES)
def _(experiment: Experiment) -> None:
    with experiment.edit() as file:
        file[f"{E}/instrument/detector/count_time"] = -0.1


@damage("the energy of the beam is not a number", Check.VALUES)
def _(experiment: Experiment) -> None:
    with experiment.edit() as file:
        beam = file.create_group(f"{E}/instrument/beam")
        beam.attrs["NX_class"] = "NXbeam"
        beam["incident_energy"] = np.nan
        beam["incident_energy"].attrs["units"] = "keV"


def relink(experiment: Experiment, entry: str, file_name: str, path: str) -> None:
    with experiment.edit(experiment.master) as file:
        del file[entry]
        file[entry] = h5py.ExternalLink(file_name, path)


@damage("the master has no link to an entry", Check.FILE)
def _(experiment: Experiment) -> None:
    with experiment.edit(experiment.master) as file:
        del file[PARTS]


@damage("two entries are swapped", Check.LINKS)
def _(experiment: Experiment) -> None:
    for entry, other in ((TOMO, PARTS), (PARTS, TOMO)):
        relink(experiment, entry, f"ma2210-id16a_entries/{other}.h5", f"/{other}")


@damage("an entry is linked out of the folder, to the same entry of a copy", Check.LINKS)
def _(experiment: Experiment) -> None:
    other = shutil.copytree(experiment.root, experiment.root.with_name("copy"))
    there = other / experiment.entry_file(TOMO).relative_to(experiment.root)
    relink(experiment, TOMO, os.path.relpath(there, experiment.master.parent), f"/{TOMO}")


def remap(experiment: Experiment, order: tuple[int, ...]) -> None:
    """Show the frames of the files of a series in another order of the files."""
    with experiment.edit(experiment.entry_file(PARTS)) as file:
        detector = file[f"/{PARTS}/instrument/detector"]
        shown, attributes = detector["data"], dict(detector["data"].attrs)
        sources = list(dict.fromkeys((source.file_name, source.dset_name) for source in shown.virtual_sources()))
        layout = h5py.VirtualLayout(shown.shape, shown.dtype)
        for index, one in enumerate(order):
            part = h5py.VirtualSource(*sources[one], (2, *shown.shape[1:]))
            layout[2 * index : 2 * index + 2] = part
        del detector["data"]
        detector.create_virtual_dataset("data", layout).attrs.update(attributes)


DAMAGES |= {
    "the frames of two files of a series are exchanged": (lambda experiment: remap(experiment, (1, 0, 2)), Check.RAW),
    "the frames of a file stand for those of another too": (lambda experiment: remap(experiment, (0, 0, 2)), Check.RAW),
}


@damage("a pixel of an EDF file is another one, and the file's time was kept", Check.RAW)
def _(experiment: Experiment) -> None:
    path = experiment.raw("holo_0003.edf")
    content, status = bytearray(path.read_bytes()), path.stat()
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@damage("an entry is linked by an absolute name", Check.LINKS)
def _(experiment: Experiment) -> None:
    relink(experiment, TOMO, str(experiment.entry_file(TOMO)), f"/{TOMO}")


@damage("the master does not say who made it, but in which version", Check.FILE)
def _(experiment: Experiment) -> None:
    attribute_of_master = experiment.edit(experiment.master)
    with attribute_of_master as file:
        del file.attrs["creator"]


@damage("an EDF file is replaced by another frame of its size", Check.RAW)
def _(experiment: Experiment) -> None:
    path, other = experiment.raw("holo_0003.edf"), experiment.raw("holo_0004.edf")
    path.write_bytes(other.read_bytes())


@damage("the header of an EDF file grew", Check.RAW)
def _(experiment: Experiment) -> None:
    path = experiment.raw("holo_0003.edf")
    content = path.read_bytes()
    path.write_bytes(content[:-40] + b" " * 512 + content[-40:])


@damage("the raw file is replaced by one of the same shape", Check.RAW)
def _(experiment: Experiment) -> None:
    path = experiment.raw("tomo_0000.h5")
    with h5py.File(path, "w") as file:
        file["entry_0000/measurement/data"] = frames(7)


@damage("frames are read by absolute names, which lead to another folder", Check.RAW)
def _(experiment: Experiment) -> None:
    original = shutil.copytree(experiment.root, experiment.root.with_name("original"))
    raw = min(original.rglob("tomo_0000.h5"))
    with experiment.edit() as file:
        del file[f"{E}/instrument/detector/data"]
        layout = h5py.VirtualLayout((6, 4, 5), "u2")
        layout[...] = h5py.VirtualSource(raw, "entry_0000/measurement/data", (6, 4, 5))
        file[f"{E}/instrument/detector"].create_virtual_dataset("data", layout)
