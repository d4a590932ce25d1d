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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from bliss import current_session
from bliss.scanning.hooks import ScanQueueHooks
from bliss.scanning.scan import ScanPreset

from nxscribe.client import Answer, ScribeClient
from nxscribe.integrations._bliss_info import (
    account_of,
    folder_name,
    is_recorded,
    link_of,
    measured_of,
    positions_of,
    renamed,
    scan_name,
    text_of,
)

log = logging.getLogger("nxscribe.bliss")

_END_REASONS: Final = {"DONE": "finished", "USER_ABORTED": "aborted", "KILLED": "failed"}
"""By the last state of a scan."""
_CATEGORY: Final = "nxscribe"
"""The group in BLISS's own entry that tells where the entry of nxscribe is."""


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
        is_monitoring = type(scan).__name__ == "MonitoringScan"
        if is_recorded(scan.scan_info, groups=self._of_groups) and not is_monitoring:
            scan.add_preset(_StartPreset(self))

    def scan_finalized(self, scan: Any) -> None:  # noqa: ANN401
        """End the scan, when BLISS has moved the motors of a relative scan back."""
        recorded = next((one for one in self._open if one.scan is scan), None)
        if recorded is None:
            return
        self._open.remove(recorded)
        try:
            parameters, taken = measured_of(scan.streams, scan.scan_info)
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
            renamed(parameters, self._names),
            links=link_of(info),
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

    def _start(self, scan: Any) -> None:  # noqa: ANN401
        busy = [one.client for one in self._open]
        client = next((one for one in self._clients if one not in busy), None)
        if client is None:
            log.warning("%s is not recorded: each device has a scan open; give NxScribe another device", scan.name)
            return
        info, saving = scan.scan_info, scan.scan_saving
        answer = client.start(
            folder_name(text_of(getattr(saving, "proposal_name", ""))) or "none",
            folder_name(text_of(getattr(saving, "collection_name", ""))) or "none",
            scan_name(text_of(getattr(saving, "dataset_name", "")), text_of(scan.scan_number), text_of(scan.name)),
            self._technique or _technique(saving),
            renamed({**positions_of(info), **account_of(info)}, self._names),
            session=text_of(getattr(saving, "proposal_session_name", "")),
            links=link_of(info),
        )
        if answer:
            self._open.append(_RecordedScan(scan, client, answer.record))
            _refer(info, answer)


NxScribe = BlissHooks
"""The name under which users know it. (The class of the daemon's Tango devices has it, too.)"""


def _technique(saving: Any) -> str:  # noqa: ANN401
    """The first technique of the dataset in the order of letters; empty if it has none."""
    techniques = getattr(getattr(saving, "dataset", None), "techniques", None)
    return min(map(str, techniques), default="") if techniques else ""


def _refer(info: Any, answer: Answer) -> None:  # noqa: ANN401 - BLISS's own dictionary
    """Have BLISS's writer make a group in its own entry that tells where the entry of nxscribe is."""
    told = {"entry": answer.entry, "master": answer.master, "record": answer.record}
    info[_CATEGORY] = {"@NX_class": "NXcollection", **told}
    info["scan_meta_categories"] = [*info.get("scan_meta_categories", []), _CATEGORY]
