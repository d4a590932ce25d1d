"""The recorder. A MacroServer makes one for each scan, and calls it in the thread of the macro.

What it raises would fail the scan, so it raises nothing. The one exception is Sardana's own way to break off a macro:
InterruptException, which Sardana raises in that thread at any place.
"""

from __future__ import annotations

import functools
import math
import sys
import traceback
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sardana.macroserver.msexception import InterruptException, MacroServerException, UnknownEnv
from sardana.macroserver.scan.gscan import CScan, ScanEndStatus
from sardana.macroserver.scan.recorder import DataRecorder
from sardana.macroserver.scan.scandata import ColumnDesc, MoveableDesc, RecordList, ScanDataEnvironment

from nxscribe.client import Answer, ScribeClient

if TYPE_CHECKING:
    from sardana.macroserver.macro import Macro

__all__ = ["NxScribeRecorder"]

_HDF5: Final = (".h5", ".hdf5", ".nxs", ".nx5")
_NO_VALUES: Final = frozenset({"point_nb", "epoch"})
"""Columns that say nothing of the beamline."""
_MOST_VALUES: Final = 1_000_000
"""Of a column. JSON is not made for more."""
_LONGEST_NAME: Final = 100
"""The bytes of a name of a folder."""

_client_of = functools.cache(ScribeClient)
"""One client for each device: the next scans, too, leave a daemon alone that hangs."""


class NxScribeRecorder(DataRecorder):  # type: ignore[misc] # Sardana has no types
    """Records a scan: nxscribe reads the beamline at its start and at its end, and writes a file of its own."""

    def __init__(self, macro: Macro, **settings: object) -> None:
        """As Sardana calls it, with the macro of the scan."""
        DataRecorder.__init__(self, **settings)
        self._macro = weakref.proxy(macro)
        self._names: Mapping[str, str | None] = {}
        self._detectors: Mapping[str, str] = {}
        self._opened: tuple[ScribeClient, Answer] | None = None

    def _startRecordList(self, recordlist: RecordList) -> None:  # noqa: N802 - Sardana's name
        try:
            self._start(recordlist.getEnviron())
        except InterruptException:
            raise
        except Exception as error:  # noqa: BLE001 - it would fail the scan
            self._warn(f"this scan is not recorded: {_words(error)}")

    def _endRecordList(self, recordlist: RecordList) -> None:  # noqa: N802 - Sardana's name
        if self._opened is None:
            return
        (client, opened), self._opened = self._opened, None
        end_reason = reason = ""
        try:
            end_reason, reason = _how_it_ended(self._macro, recordlist.getEnviron())
            parameters, files, frames = self._measured(recordlist)
            answer = client.end(
                parameters, files, frames=frames, record=opened.record, end_reason=end_reason, reason=reason
            )
        except InterruptException:
            client.end(record=opened.record, end_reason="Abort")
            raise
        except Exception as error:  # noqa: BLE001 - it would fail the scan, and leave the record open
            self._warn(f"the values of this scan are not recorded: {_words(error)}")
            answer = client.end(record=opened.record, end_reason=end_reason, reason=reason)
        self._tell("the end of this scan is not recorded", answer)

    def _start(self, environ: ScanDataEnvironment) -> None:
        device = self._text("NxScribeDevice")
        if not device:
            self._warn(
                "this scan is not recorded: name the daemon's device, as in `senv NxScribeDevice a/nxscribe/main`"
            )
            return
        self._names = _mapping(self._setting("NxScribeNames"))
        self._detectors = _mapping(self._setting("NxScribeDetectors"))
        sample = environ.get("SampleInfo")
        client = _client_of(device, timeout_s=float(self._text("NxScribeTimeout") or 2))
        answer = client.start(
            _folder(self._text("NxScribeProposal")),
            _folder(self._text("NxScribeSample") or (sample.get("name") if isinstance(sample, Mapping) else sample)),
            f"{self._macro.getName()}_{environ['serialno']:05d}",
            self._text("NxScribeTechnique"),
            self._renamed({**_about(environ), **_axes(self._macro, _motors(environ)), **_snapshot(environ)}),
            session=self._text("NxScribeSession"),
            links=_links(environ),
        )
        if answer:
            self._opened = client, answer
        self._tell("this scan is not recorded", answer)

    def _setting(self, name: str) -> object:
        """A variable of Sardana's environment, be it for all, for this door, or for this macro; None without one."""
        try:
            return self._macro.getEnv(name)
        except UnknownEnv:
            return None

    def _text(self, name: str) -> str:
        """The same as a text: `senv` makes a number of what looks like one."""
        value = self._setting(name)
        return "" if value is None else str(value)

    def _measured(self, recordlist: RecordList) -> tuple[dict[str, object], dict[str, list[str]], dict[str, int]]:
        """What the scan has brought: the parameters, and of each detector the files and the number of frames."""
        environ = recordlist.getEnviron()
        records = [recordlist[number].data for number in sorted(recordlist)][:_MOST_VALUES]
        parameters: dict[str, object] = {"points": len(recordlist)}
        files: dict[str, list[str]] = {}
        frames: dict[str, int] = {}
        for column in environ["datadesc"]:
            values = [record.get(column.name) for record in records]
            if getattr(column, "value_ref_enabled", False):
                named = [value for value in values if isinstance(value, str)]
                detector = self._detectors.get(column.label, column.label)
                files[detector] = list(dict.fromkeys(map(_file_of, named)))
                frames[detector] = len(named)
            elif column.name not in _NO_VALUES and not tuple(column.shape or ()):
                parameters[column.label] = _with_unit(_column(values), _unit_of(column))
        for number, motor in enumerate(_motors(environ), 1):
            parameters[f"axis{number}_positions"] = parameters[motor.label]
        for name in ("motiontime", "deadtime"):
            if name in environ:
                parameters[f"sardana_{name}"] = {"value": _plain(environ[name]), "unit": "s"}
        return self._renamed(parameters), files, frames

    def _renamed(self, parameters: Mapping[str, object]) -> dict[str, object]:
        named = {self._names.get(key, key): value for key, value in parameters.items() if value is not None}
        return {name: value for name, value in named.items() if name is not None}

    def _tell(self, failed: str, answer: Answer) -> None:
        """Show the user what nxscribe says, with `failed` before it where it has failed."""
        for text in answer.warnings:
            self._warn(text if answer else f"{failed}: {text}")

    def _warn(self, text: str) -> None:
        """Show the user a warning. The method of the macro would raise, once the macro is to stop."""
        DataRecorder.warning(self._macro, f"nxscribe: {text}")


def _about(environ: ScanDataEnvironment) -> dict[str, object]:
    """What Sardana says of the scan itself."""
    files = _scan_files(environ)
    return {
        "sardana_command": environ["title"],
        "sardana_user": environ["user"],
        "sardana_scan_id": environ["serialno"],
        "sardana_files": files or None,
    }


def _scan_files(environ: ScanDataEnvironment) -> list[str]:
    """The files that Sardana itself writes."""
    names = environ.get("ScanFile") or []
    names = [names] if isinstance(names, str) else names
    return [str(Path(environ["ScanDir"], name)) for name in names] if environ.get("ScanDir") else []


def _links(environ: ScanDataEnvironment) -> dict[str, str]:
    """The entry of this scan in the file of Sardana."""
    files = [path for path in _scan_files(environ) if path.lower().endswith(_HDF5)]
    return {"sardana": f"{files[0]}::/entry{environ['serialno']}"} if files else {}


def _snapshot(environ: ScanDataEnvironment) -> dict[str, object]:
    """What Sardana read before the scan, if PreScanSnapshot lists something."""
    read = environ.get("preScanSnapShot") or []
    return {f"snapshot_{one.label}": _plain(getattr(one, "pre_scan_value", None)) for one in read}


def _motors(environ: ScanDataEnvironment) -> list[MoveableDesc]:
    """The columns of the motors, as the macro names them: the fast one of a mesh first."""
    return [column for column in environ["datadesc"] if isinstance(column, MoveableDesc)]


def _axes(macro: Macro, motors: Sequence[MoveableDesc]) -> dict[str, object]:
    """What the definitions call the axes of a scan. The macros of Sardana tell it by their attributes.

    Motors that move together are one dimension: the first of them has its points. So are points in any other order
    than that of a raster, because a picture of them would be wrong.
    """
    shape = _shape(macro)
    axes: dict[str, object] = {"points": math.prod(shape) if all(shape) else None}
    if motors:
        axes["scan_type"] = "continuous" if isinstance(getattr(macro, "gscan", None), CScan) else "step_by_step"
    seconds = _plain(getattr(macro, "integ_time", None))
    if isinstance(seconds, int | float) and seconds > 0:  # a negative one is a number of counts
        axes["dwell_time"] = {"value": seconds, "unit": "s"}
    is_raster = len(shape) <= 1 or not getattr(macro, "bidirectional_mode", False)
    counts = [count or None for count in shape] if is_raster else [math.prod(shape)]
    ranges = _ranges(macro, motors) if is_raster else []
    for number, motor in enumerate(motors):
        axis = f"axis{number + 1}"
        others = 1 if counts[0] else None
        axes |= {f"{axis}_name": motor.label, f"{axis}_dimension": counts[number] if number < len(counts) else others}
        if number < len(ranges):
            start, stop = ranges[number]
            for name, value in (("start", start), ("stop", stop), ("range", stop - start)):
                axes[f"{axis}_{name}"] = _with_unit(value, _unit_of(motor))
    return axes


def _shape(macro: Macro) -> list[int]:
    """How many points a scan has, or a mesh along each motor, with the fast one first; 0 where it is not known."""
    intervals = getattr(macro, "nr_intervs", None)
    if intervals is not None:
        return [_points(int(count)) for count in intervals]
    return [int(getattr(macro, "nb_points", 0))]


def _points(intervals: int) -> int:
    """A negative number of intervals leaves the last point out."""
    return intervals + 1 if intervals >= 0 else -intervals


def _ranges(macro: Macro, motors: Sequence[MoveableDesc]) -> list[tuple[float, float]]:
    """The first and the last position of each motor, where they move in equal steps."""
    starts, finals = (getattr(macro, name, None) for name in ("starts", "finals"))
    if starts is None or finals is None or not len(starts) == len(finals) == len(motors):
        return []
    found = [(float(start), float(final)) for start, final in zip(starts, finals, strict=True)]
    told = [(motor.min_value, motor.max_value) for motor in motors]
    if [(min(one), max(one)) for one in found] != told:
        return []  # the macro moves them otherwise
    if getattr(macro, "do_last_point", True):
        return found
    # The last point is left out: of a mesh, along the fast axis alone.
    last = 1 if hasattr(macro, "nr_intervs") else len(found)
    short = [(start, final - (final - start) / macro.nr_interv) for start, final in found[:last]]
    return [*short, *found[last:]]


def _how_it_ended(macro: Macro, environ: ScanDataEnvironment) -> tuple[str, str]:
    """How the scan ended, and why. Sardana ends it while the exception that broke it off is being handled."""
    told = ScanEndStatus.whatis(environ["endstatus"])
    if told != "Exception":
        return told, ""
    # What a user stops may fail before Sardana's own exception comes: a motor that does not arrive.
    if macro.isAborted():
        return "Abort", ""
    return ("Stop", "") if macro.isStopped() else (told, _words(sys.exc_info()[1]))


def _words(error: BaseException | None) -> str:
    """An exception in words: its type, and what it says; of one of Tango, what it says of its origin."""
    if isinstance(error, MacroServerException):  # it may stand for another one, whose type it has
        return f"{error.type}: {error.msg}"
    described = getattr(error.args[0] if error and error.args else None, "desc", "")
    return str(described or "".join(traceback.format_exception_only(error)) if error else "").strip()


def _column(values: Sequence[object]) -> object:
    """The values of a column. A number that Sardana did not get is NaN; nothing at all if there is no value."""
    plain = [_plain(value) for value in values]
    if all(value is None for value in plain):
        return None
    are_texts = any(isinstance(value, str) for value in plain)
    return [("" if are_texts else math.nan) if value is None else value for value in plain]


def _plain(value: object) -> object:
    """A value in the types of JSON."""
    if hasattr(value, "tolist"):  # of numpy
        value = value.tolist()
    return value if value is None or isinstance(value, str | int | float | bool | list) else str(value)


def _with_unit(value: object, unit: str) -> object:
    return {"value": value, "unit": unit} if unit and value is not None else value


def _unit_of(column: ColumnDesc) -> str:
    """The unit of a motor, of a counter, or of the time of the points; empty if it has none."""
    if column.name == "timestamp":
        return "s"
    if not isinstance(column, MoveableDesc):
        return str(getattr(column, "data_units", None) or "")
    try:
        return f"{column.moveable.getAttribute('Position').range[0].units:~}"
    except InterruptException:
        raise
    except Exception:  # noqa: BLE001 - a position without its unit is better than none
        return ""


def _mapping(value: object) -> Mapping[str, str]:
    return value if isinstance(value, Mapping) else {}


def _file_of(reference: str) -> str:
    """The file behind a reference of a detector, with the path of the frames: `h5file:///data/a.h5::entry/data`."""
    path, separator, dataset = reference.partition("://")[2].partition("::")
    path = path[path.find("/") :]
    return f"{path}::/{dataset.lstrip('/')}" if separator else path


def _folder(name: object) -> str:
    """The name of a folder, without what no such name may have; `none` where nothing is left of it."""
    told = "".join(letter if letter.isprintable() and letter not in "/\\" else "_" for letter in str(name or ""))
    return told.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" ").lstrip(".-~ ") or "none"
