"""BLISS, from version 2.4: hooks of the scan queue that record each saved scan.

```python
from nxscribe.integrations.bliss import NxScribe

NxScribe("id16a/nxscribe/main").register()
```

`scan_launched` comes before a scan has a number and a file, so it only adds a preset, whose `prepare` starts the scan:
after that, and before the devices are prepared and anything moves. `scan_finalized` ends it. BLISS logs what a hook
raises, but a preset that raises would kill the scan: nothing here does.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from bliss import current_session
from bliss.scanning.hooks import ScanQueueHooks
from bliss.scanning.scan import ScanPreset

from nxscribe.client import Answer, ScribeClient

log = logging.getLogger("nxscribe.bliss")

_END_REASONS: Final = {"DONE": "finished", "USER_ABORTED": "aborted", "KILLED": "failed"}
"""By the last state of a scan."""
_LINK: Final = "bliss"
"""The name of the link from the entry to BLISS's own."""
_CATEGORY: Final = "nxscribe"
"""The group in BLISS's own entry that tells where the entry of nxscribe is."""
_AXIS: Final = "axis:"
_MOST_VALUES: Final = 1_000_000
"""Of one channel. JSON is not made for more."""
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class _RecordedScan:
    """A scan that is open."""

    scan: Any
    client: ScribeClient
    record: str


class _StartPreset(ScanPreset):  # type: ignore[misc] # BLISS has no types
    """Starts the scan of nxscribe when BLISS has given the scan its number, its file and its positions."""

    def __init__(self, hooks: BlissHooks) -> None:
        super().__init__()
        self._hooks = hooks

    def prepare(self, scan: Any) -> None:  # noqa: ANN401 - BLISS has no types
        """Start, and raise nothing."""
        self._hooks.prepare(scan)


class BlissHooks(ScanQueueHooks):  # type: ignore[misc]
    """Records each scan that BLISS saves. Scans that BLISS does not save, such as `ct`, are left out."""

    def __init__(
        self,
        *devices: str,
        technique: str = "",
        sequences: Literal["children", "group"] = "children",
        names: Mapping[str, str | None] | None = None,
        timeout_s: float = 2.0,
        raises: bool = False,
    ) -> None:
        """Nothing is connected before the first scan.

        Args:
            devices: The devices of the daemon: as many as scans can run at the same time, usually one.
            technique: The technique of all scans; by default that of BLISS's dataset, or else that of the config.
            sequences: Whether an entry is made of each scan of a sequence, or of the sequence as a whole.
            names: The placeholders of positions and channels that have another name: `{"sx": "sample_x"}`. None leaves
                one out.
            timeout_s: The longest time that a start or an end waits for the daemon. See ScribeClient.
            raises: Whether a scan is stopped that cannot be recorded, for tests of a set-up.
        """
        self._clients = [ScribeClient(device, timeout_s=timeout_s, raises=raises) for device in devices]
        self._technique = technique
        self._of_groups = sequences == "group"
        self._names = dict(names or {})
        self._raises = raises
        self._open: list[_RecordedScan] = []

    def register(self) -> Self:
        """Record the scans of the session from now on, in place of any hooks of nxscribe that it has: the setup file of
        a session runs again with each `resetup()`.
        """
        registry = current_session.hooks.scan_queue
        for hook in list(registry):
            # By its name: the module may have been loaded anew since.
            if type(hook).__name__ == type(self).__name__ and type(hook).__module__ == type(self).__module__:
                registry.unregister(hook)
                self._open += hook.__dict__.get("_open", [])
        registry.register(self)
        return self

    def scan_launched(self, scan: Any) -> None:  # noqa: ANN401
        """Have the scan recorded, if it is to be."""
        if self._is_wanted(scan):
            scan.add_preset(_StartPreset(self))

    def scan_finalized(self, scan: Any) -> None:  # noqa: ANN401
        """End the scan, when BLISS has moved the motors of a relative scan back."""
        recorded = next((one for one in self._open if one.scan is scan), None)
        if recorded is None:
            return
        self._open.remove(recorded)
        try:
            parameters, taken = self._measured(scan)
        except Exception:
            # A channel that cannot be read must not leave the scan open.
            log.exception("the data of a scan could not be taken: %s", scan.name)
            parameters, taken = {}, 0
        info = scan.scan_info
        state = scan.state.name
        end_reason = _END_REASONS.get(state, "")
        points = info.get("npoints") or 0
        if state == "DONE" and 0 < taken < points:
            end_reason = "stopped"  # `scan.stop()` is a success to BLISS
        recorded.client.end(
            parameters,
            links=_link(info),
            end_reason=end_reason,
            reason="" if state == "DONE" else str(info.get("end_reason") or state),
            record=recorded.record,
        )

    def prepare(self, scan: Any) -> None:  # noqa: ANN401
        """Start the scan. Raises nothing, unless that was asked for."""
        try:
            self._start(scan)
        except Exception:
            if self._raises:
                raise
            log.exception("a scan could not be started: %s", scan.name)

    def _is_wanted(self, scan: Any) -> bool:  # noqa: ANN401
        info = scan.scan_info
        if not info.get("save") or type(scan).__name__ == "MonitoringScan":
            return False
        return not scan.is_sub_scan if self._of_groups else not info.get("is_scan_sequence")

    def _start(self, scan: Any) -> None:  # noqa: ANN401
        busy = [one.client for one in self._open]
        client = next((one for one in self._clients if one not in busy), None)
        if client is None:
            log.warning("%s is not recorded: each device has a scan open; give NxScribe another device", scan.name)
            return
        info, saving = scan.scan_info, scan.scan_saving
        answer = client.start(
            _folder(_text(getattr(saving, "proposal_name", ""))) or "none",
            _folder(_text(getattr(saving, "collection_name", ""))) or "none",
            _scan_name(scan),
            self._technique or _technique(saving),
            self._renamed({**_positions(info), **_account(info)}),
            session=_text(getattr(saving, "proposal_session_name", "")),
            links=_link(info),
        )
        if answer:
            self._open.append(_RecordedScan(scan, client, answer.record))
            _refer(info, answer)

    def _measured(self, scan: Any) -> tuple[dict[str, object], int]:  # noqa: ANN401
        """The values of each channel with one number a point, and how many points were taken."""
        info = scan.scan_info
        channels = _mapping(info.get("channels"))
        told: dict[str, object] = {}
        taken = 0
        for name, stream in scan.streams.items():
            if getattr(stream, "kind", "array") != "array" or tuple(_mapping(stream.info).get("shape") or ()):
                continue
            values = stream[:_MOST_VALUES]
            values = values.tolist() if hasattr(values, "tolist") else list(values)
            taken = max(taken, len(stream))
            unit = _text(_mapping(channels.get(name)).get("unit"))
            told[name.rpartition(":")[2]] = {"value": values, "unit": unit} if unit else values
        for number, (axis, _) in enumerate(_axes(info), 1):
            if axis in told:
                told[f"axis{number}_positions"] = told[axis]
        return self._renamed({**told, "points": taken or None}), taken

    def _renamed(self, parameters: Mapping[str, object]) -> dict[str, object]:
        named = {self._names.get(key, key): _plain(value) for key, value in parameters.items() if value is not None}
        return {name: value for name, value in named.items() if name is not None}


NxScribe = BlissHooks
"""The name under which users know it. (The class of the daemon's Tango devices has it, too.)"""


def _scan_name(scan: Any) -> str:  # noqa: ANN401
    """Such as `tomo_0003_0001_ascan`: the dataset, the number of the scan in it, and BLISS's name of the scan."""
    dataset = _text(getattr(scan.scan_saving, "dataset_name", ""))
    return _folder("_".join(filter(None, (dataset, f"{_text(scan.scan_number):0>4}", _text(scan.name))))) or "scan"


def _technique(saving: Any) -> str:  # noqa: ANN401
    """The first technique of the dataset in the order of letters; empty if it has none."""
    techniques = getattr(getattr(saving, "dataset", None), "techniques", None)
    return min(map(str, techniques), default="") if techniques else ""


def _link(info: Mapping[str, Any]) -> dict[str, str]:
    """To BLISS's own entry of the scan; nothing if there is no file."""
    file, number = info.get("filename"), info.get("scan_nb")
    return {_LINK: f"{file}::/{number}.1"} if file and number else {}


def _refer(info: Any, answer: Answer) -> None:  # noqa: ANN401 - BLISS's own dictionary
    """Have BLISS's writer make a group in its own entry that tells where the entry of nxscribe is."""
    told = {"entry": answer.entry, "master": answer.master, "record": answer.record}
    info[_CATEGORY] = {"@NX_class": "NXcollection", **told}
    info["scan_meta_categories"] = [*info.get("scan_meta_categories", []), _CATEGORY]


def _positions(info: Mapping[str, Any]) -> dict[str, object]:
    """Where each axis of the session was at the start, in its unit."""
    positioners = _mapping(info.get("positioners"))
    units = _mapping(positioners.get("positioners_units"))
    found: dict[str, object] = {}
    for name, position in _mapping(positioners.get("positioners_start")).items():
        unit = _text(units.get(name))
        found[name] = {"value": position, "unit": unit} if unit and not isinstance(position, str) else position
    return {name: position for name, position in found.items() if not isinstance(position, str)}  # such as "*DIS*"


def _account(info: Mapping[str, Any]) -> dict[str, object]:
    """What the definitions call the parameters of a scan."""
    count_time = info.get("count_time")
    told: dict[str, object] = {
        "title": _text(info.get("title")) or None,
        "bliss_type": _text(info.get("type")) or None,
        "scan_type": "step_by_step" if any(_axes(info)) else None,
        "dwell_time": {"value": count_time, "unit": "s"} if count_time else None,
        "points": info.get("npoints") or None,
    }
    for number, (name, axis) in enumerate(_axes(info), 1):
        start, stop = axis.get("start"), axis.get("stop")
        told |= {f"axis{number}_name": name, f"axis{number}_dimension": axis.get("axis_points") or axis.get("points")}
        told[f"axis{number}_kind"] = axis.get("axis_kind")
        if isinstance(start, int | float) and isinstance(stop, int | float):
            told |= {f"axis{number}_start": start, f"axis{number}_stop": stop, f"axis{number}_range": stop - start}
    return told


def _axes(info: Mapping[str, Any]) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """The axes of the scan with what BLISS tells of them, the fast one first, as BLISS numbers them."""
    channels = _mapping(info.get("channels"))
    axes = [(key.removeprefix(_AXIS), _mapping(one)) for key, one in channels.items() if key.startswith(_AXIS)]
    return sorted(axes, key=lambda axis: axis[1].get("axis_id") or 0)


def _folder(text: str) -> str:
    """A text as the name of a folder, without what no such name may have."""
    told = "".join(letter if letter.isprintable() and letter not in "/\\" else "_" for letter in text)
    return told.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" ").lstrip(".-~ ")


def _plain(value: object) -> object:
    """A value in the types of JSON; what JSON does not know as a text."""
    if hasattr(value, "tolist"):  # of numpy
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, Mapping | list | tuple) else str(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
