"""Follows the scans that BLISS publishes by blissdata, an extra without which this module cannot be imported."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from blissdata.exceptions import NoScanAvailable, ScanLoadError
from blissdata.redis_engine.scan import ScanState
from blissdata.redis_engine.store import DataStore
from redis.exceptions import RedisError

from nxscribe.client import ScribeClient
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

_LOOK_S: Final = 1
"""How long one question to Redis may wait: redis-py breaks off one that waits longer than its sockets allow."""
_PAUSE_S: Final = 2.0
"""The pause before Redis is asked again after a failure."""
_OVERTAKEN_S: Final = 5.0
"""How long after the next scan has begun a scan that is not closed is given up: BLISS was killed."""
_END_REASONS: Final = {"SUCCESS": "finished", "USER_ABORT": "aborted", "FAILURE": "failed"}


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What is watched, and who records it."""

    url: str
    session: str
    device: str
    technique: str = ""
    of_groups: bool = False
    timeout_s: float = 2.0


class BlissWatch:
    """Follows the scans of a session. One thread hears of them, and another one records one after the other."""

    def __init__(self, options: WatchOptions) -> None:
        """Nothing is connected yet."""
        self._options = options
        self._client = ScribeClient(options.device, timeout_s=options.timeout_s)
        self._stopping = threading.Event()
        self._scans: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._found_running: Any = None
        """The scan that ran already when this program began to watch."""
        self._failure = ""

    def stop(self) -> None:
        """End within some seconds. An open scan stays open, and the next run goes on with it."""
        self._stopping.set()

    def run(self) -> None:
        """Record scans until `stop`."""
        recorder = threading.Thread(target=self._record_all, name="recorder", daemon=True)
        recorder.start()
        for scan in self._published():
            if scan.session == self._options.session and is_recorded(scan.info, groups=self._options.of_groups):
                self._scans.put(scan)
        recorder.join(_LOOK_S + 2 * self._options.timeout_s)

    def _published(self) -> Iterator[Any]:
        """The scans as BLISS begins them, and at first the one that runs already. A Redis that goes away is awaited."""
        store, since = None, ""
        while not self._stopping.is_set():
            try:
                if store is None:
                    store = DataStore(self._options.url)
                    log.info("watching the session %s at %s", self._options.session, self._options.url)
                if not since:
                    try:
                        since, key = store.get_last_scan()
                    except NoScanAvailable:
                        since = "0-0"
                    else:
                        scan = store.load_scan(key)
                        if scan.state < ScanState.CLOSED:
                            self._found_running = scan
                            yield scan
                since, key = store.get_next_scan(since=since, timeout=_LOOK_S)
                self._failure = ""
                yield store.load_scan(key)
            except NoScanAvailable:
                self._failure = ""
            except ScanLoadError as error:
                log.warning("a scan cannot be read, and is not recorded: %s", error)
            except (RedisError, OSError, RuntimeError) as error:
                store = None
                self._tell("Redis does not answer as it should, and is asked again", error)
                self._stopping.wait(_PAUSE_S)

    def _tell(self, what: str, error: Exception) -> None:
        """Log a failure, once for as long as it lasts."""
        if str(error) != self._failure:
            self._failure = str(error)
            log.error("%s: %s", what, error)

    def _record_all(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(queue.Empty):
                scan = self._scans.get(timeout=_LOOK_S)
                try:
                    self._record(scan)
                except Exception:
                    # One scan that cannot be recorded must not cost those after it.
                    log.exception("a scan could not be recorded: %s", scan.name)

    def _record(self, scan: Any) -> None:  # noqa: ANN401 - blissdata's, whose models have fields of their own
        meant = self._started_by_the_last_run(scan) or self._start(scan)
        if not meant:
            return
        try:
            why = self._await_the_end(scan)
            if self._stopping.is_set() and scan.state < ScanState.CLOSED:
                return
            told = _told_at_the_end(scan, why)
        except Exception as error:
            # What is wrong with the data of BLISS must not leave the scan open.
            log.exception("a scan could not be followed to its end: %s", scan.name)
            told = {"end_reason": "interrupted", "reason": f"the scan could not be followed to its end: {error!r}"}
        self._client.end(**told, **meant)

    def _started_by_the_last_run(self, scan: Any) -> dict[str, Any]:  # noqa: ANN401
        """Which scan to end, if the last run of this program has started it and the daemon has it open; else nothing.

        Another start would interrupt it, or be refused.
        """
        if scan is not self._found_running:
            return {}
        proposal, sample, name = _names_of(scan)
        shown = self._client.show()
        if (shown.get("proposal"), shown.get("currentScan")) != (proposal, f"{sample} - {name}"):
            return {}
        log.info("the scan %s runs already, and is continued", name)
        return {"entry": str(shown["entry"])}

    def _start(self, scan: Any) -> dict[str, Any]:  # noqa: ANN401
        """Start a scan. Returns which one to end; nothing if that failed."""
        info = scan.info
        answer = self._client.start(
            *_names_of(scan),
            self._options.technique or _technique(info),
            renamed({**positions_of(info), **account_of(info)}, {}),
            links=link_of(info),
        )
        return {"record": answer.record} if answer else {}

    def _await_the_end(self, scan: Any) -> str:  # noqa: ANN401
        """Wait until BLISS has closed the scan. Returns why it is given up; empty if it was closed."""
        overtaken_at = 0.0
        while scan.state < ScanState.CLOSED and not self._stopping.is_set():
            try:
                scan.update(timeout=_LOOK_S)
            except ScanLoadError as error:
                return f"the scan is no longer in Redis: {error}"
            except (RedisError, OSError) as error:
                self._tell("Redis does not answer as it should, and is asked again", error)
                self._stopping.wait(_PAUSE_S)
            if not self._scans.empty():
                overtaken_at = overtaken_at or time.monotonic()
                if scan.state < ScanState.CLOSED and time.monotonic() - overtaken_at > _OVERTAKEN_S:
                    return "BLISS began another scan, and did not close this one"
        return ""


def _names_of(scan: Any) -> tuple[str, str, str]:  # noqa: ANN401
    """The proposal, the sample and the scan, as nxscribe is told."""
    return (
        folder_name(text_of(scan.proposal)) or "none",
        folder_name(text_of(scan.collection)) or "none",
        scan_name(text_of(scan.dataset), text_of(scan.number), text_of(scan.name)),
    )


def _told_at_the_end(scan: Any, why: str) -> dict[str, Any]:  # noqa: ANN401
    """What an end brings.

    Args:
        scan: The scan.
        why: Why it is given up; empty if BLISS has closed it.
    """
    info = scan.info
    try:
        parameters, taken = measured_of(scan.streams, info)
    except Exception:
        # A channel that cannot be read costs the data alone, and not how the scan ended.
        log.exception("the data of a scan could not be taken: %s", scan.name)
        parameters, taken = {}, 0
    told = text_of(info.get("end_reason"))
    end_reason = "interrupted" if why else _END_REASONS.get(told, "interrupted")
    if end_reason == "finished" and 0 < taken < (info.get("npoints") or 0):
        end_reason = "stopped"  # `scan.stop()` is a success to BLISS
    return {
        "parameters": renamed(parameters, {}),
        "links": link_of(info),
        "end_reason": end_reason,
        "reason": why or ("" if told == "SUCCESS" else told),
    }


def _technique(info: Any) -> str:  # noqa: ANN401
    """The technique of the dataset, as BLISS keeps it for ICAT; empty if it has none."""
    snapshot = info.get("dataset_metadata_snapshot") or {}
    return text_of(snapshot.get("definition")).split(" ")[0]
