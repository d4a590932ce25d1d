"""A client of a running daemon."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from nxscribe.client._device_line import ClientError, CommandFailedError, DeviceLine, log
from nxscribe.client._plain_json import encoded
from nxscribe.client._rest import Rest
from nxscribe.client.answers import NO_ANSWER, NO_RECORD, Answer, decode_answer, no_answer
from nxscribe.errors import Location, Problem, Severity
from nxscribe.tango_text import REASON_PREFIX, in_letters, sendable, text_of

if TYPE_CHECKING:
    import tango

_T = TypeVar("_T")

_PROBLEM: Final = re.compile(
    r"((?P<file>.+?)(:(?P<line>\d+))?(:(?P<column>\d+))?: )?(?P<severity>error|warning): (?P<what>.*)"
)
"""A problem as `str` writes it."""
_START: Final = "StartScan"
_END: Final = "EndScan"
_LAST_FILE: Final = "lastDataFile"
_MOST_DOUBTFUL: Final = 50
_IN_DOUBT: Final = "the control system got no answer from nxscribe"
"""The reason of an abort after a failure."""
_TIMED_OUT: Final = "API_DeviceTimedOut"
"""Tango's reason of an answer that did not come in time."""


class ScribeClient:
    """A running daemon's device. Its commands wait for the answer, and never longer than the time-out.

    A control system goes on whatever happens to its metadata: by default no command raises. It logs what went wrong
    (`nxscribe.client` of the standard library's logging), and returns an answer that is false and whose `warnings` say
    why. After a failure the daemon is left alone for a while. A daemon that hangs therefore costs a session one
    time-out a minute, and the scans of this minute are not recorded.

    After a start that failed otherwise than by a refusal, the scan is aborted as soon as the daemon answers. An end
    that failed in this way is sent again, with all that it brought; the daemon answers a repeated end. A start or an
    end that Ctrl-C broke off leads to an abort. Thus no scan stays open that nobody will end. Only an end that names no
    scan, of a client that has started none, is not sent again: it could close another scan.

    Threads may share a client. Their commands are sent one after the other.
    """

    def __init__(
        self,
        device: str,
        *,
        timeout_s: float = 2.0,
        rest_s: float = 60.0,
        raises: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is imported or connected before the first command.

        Args:
            device: The daemon's device: `id16a/nxscribe/main`, or `//host:port/id16a/nxscribe/main`.
            timeout_s: The longest time that a command waits. It should be longer than `limits.deadline_s` of the
                config, after which the daemon answers with the values that it has.
            rest_s: The longest time for which the daemon is left alone after a failure. It is 30 times what the
                failure cost, and thus a minute after a time-out of two seconds.
            raises: Whether commands raise ClientError when they are refused or fail. Such a client never rests.
            clock: Seconds of a clock that nobody sets.
        """
        self._device = device
        self._raises = raises
        self._line = DeviceLine(device, timeout_s, Rest(rest_s, clock))
        self._doubtful: list[str] = []
        """What closes the scans that failed triggers may have left open, or may open yet: one of them at most is open.
        Each is the argument of an EndScan.
        """
        self._record = ""
        """The scan that this client has started last."""

    def start(
        self,
        proposal: str,
        sample: str,
        scan: str,
        technique: str = "",
        parameters: Mapping[str, object] | None = None,
        *,
        session: str = "",
        links: Mapping[str, str] | None = None,
    ) -> Answer:
        """Start a scan: the initial readings are on the disk when this returns.

        Args:
            proposal: The experiment.
            sample: The sample.
            scan: The name of the scan (the dataset).
            technique: One of the techniques of the config, or of their aliases; by default that of the config.
            parameters: Values of placeholders: what JSON has, or `{"value": 1.5, "unit": "mm"}`.
            session: The session of the experiment, for patterns of the config with `{session}`.
            links: Objects of other HDF5 files to link to: `{"bliss": "/path/file.h5::/1.1"}`.
        """
        names = {"proposal": proposal, "sample": sample, "scan": scan}
        request = {
            **names,
            **_given({"technique": technique, "session": session, "parameters": parameters, "links": links}),
        }
        if self._rests:
            log.debug("%s rests: the scan %s is not recorded", self._device, scan)
            return no_answer(f"{self._device} failed a moment ago, and is left alone for {self._line.rest_s:.0f} s")
        meant = {"scan": f"{sample} - {scan}"}
        answer = self._trigger(_START, encoded(request), _abort_of(meant), meant)
        if answer:
            self._record = answer.record
        return answer

    def end(
        self,
        parameters: Mapping[str, object] | None = None,
        files: Mapping[str, Sequence[str]] | None = None,
        *,
        frames: Mapping[str, int] | None = None,
        links: Mapping[str, str] | None = None,
        end_reason: str = "",
        reason: str = "",
        record: str = "",
        entry: str = "",
        scan: str = "",
    ) -> Answer:
        """End the scan: the final readings are on the disk when this returns; its file follows.

        Args:
            parameters: Values of placeholders, as for a start.
            files: The raw files of each detector, in the order of acquisition. The path of the frames in them may
                follow the first one: `/path/file.h5::/entry/data`.
            frames: How many frames each detector should have taken.
            links: As for a start.
            end_reason: How it ended: `finished`, `stopped`, `aborted`, `failed` or `interrupted`.
            reason: Why, in the words of the control system.
            record: Which scan is meant: `record` of the answer to its start. If that is false, nothing is done.
            entry: The same by its entry.
            scan: The same by its name. If none of the three is given, the open scan is meant.
        """
        request = {"parameters": parameters, "files": files, "frames": frames, "links": links}
        told = {"end_reason": end_reason, "reason": reason}
        return self._close({**request, **told}, {"record": record, "entry": entry, "scan": scan})

    def abort(
        self, *, end_reason: str = "", reason: str = "", record: str = "", entry: str = "", scan: str = ""
    ) -> Answer:
        """Abort the scan; a start or an end under way is stopped. The arguments are those of `end`. Where only a start
        was stopped, the answer is false.
        """
        told = {"abort": True, "end_reason": end_reason, "reason": reason}
        return self._close(told, {"record": record, "entry": entry, "scan": scan})

    def set_parameters(self, parameters: Mapping[str, object]) -> bool:
        """Set values of placeholders of the open scan. They win over what is read.

        Returns whether that was done.
        """
        given = encoded(parameters)
        return self._told(lambda proxy: proxy.command_inout("SetParameters", given), "SetParameters")

    def name_file(self, path: str) -> bool:
        """Name a raw file of the open scan: by its path, or by its name in the scan's folder.

        Returns whether that was done.
        """
        return self._told(lambda proxy: proxy.write_attribute(_LAST_FILE, sendable(path)), _LAST_FILE)

    def placeholders(self, technique: str) -> list[str]:
        """The placeholders of a technique's definition, in its order; empty if that failed."""

        def asked(proxy: tango.DeviceProxy) -> list[str]:
            preview = json.loads(str(proxy.command_inout("Preview", technique)))
            return list(dict.fromkeys(_placeholders(preview["entry"])))

        try:
            return self._line.ask(asked)
        except ClientError as error:
            self._tell("Preview", error)
            return []

    def values(self, record: str = "") -> dict[str, object]:
        """What was read for a scan, by placeholder: value, unit, time, source, quality. Empty if that failed.

        Args:
            record: Which scan: `record` of an answer. By default it is the scan that was started last.
        """
        try:
            return self._line.ask(lambda proxy: dict(json.loads(str(proxy.command_inout("Values", record)))))
        except ClientError as error:
            self._tell("Values", error)
            return {}

    def reload(self) -> list[Problem]:
        """Reload config and definitions now. Returns all problems; empty if the new set is in force."""
        try:
            told = self._line.ask(lambda proxy: proxy.command_inout("Reload"))
        except ClientError as error:
            self._tell("Reload", error)
            return list(error.problems)
        return [_problem(in_letters(text)) for text in told or ()]

    def show(self) -> dict[str, object]:
        """State, status and every attribute, as the device shows them; empty if that failed."""
        try:
            return self._line.ask(_shown)
        except ClientError as error:
            self._tell("show", error)
            return {}

    def flush(self, timeout_s: float) -> None:
        """Wait until what no command waits for was sent, for so many seconds at most: what closes a scan after a
        failure. A program that ends after its command calls this first.
        """
        self._line.flush(timeout_s)

    def _told(self, work: Callable[[tango.DeviceProxy], object], name: str) -> bool:
        """Tell the daemon something that it needs for the scan, but that neither starts nor ends one."""
        if self._rests:
            return False
        try:
            self._line.ask(work)
        except ClientError as error:
            self._tell(name, error)
            return False
        return True

    def _close(self, request: Mapping[str, object], meant: Mapping[str, str]) -> Answer:
        """End or abort a scan, unless it is one whose start was not answered."""
        if meant["record"] == NO_RECORD:
            return NO_ANSWER
        meant = _given(meant)
        request = {**_given(request), **meant}
        text = encoded(request)
        known = meant or _given({"record": self._record})
        again = text if meant else encoded({**request, **known}) if known else ""
        if self._rests:
            # Nobody waits for a daemon that rests, but if it answers again it is to know that the scan has ended.
            self._line.post(lambda proxy: _send(proxy, _END, again or text))
            self._remember(again)
            return NO_ANSWER
        return self._trigger(_END, text, again, {**request, **known} if known else {})

    def _trigger(self, command: str, request: str, closing: str, aborted: Mapping[str, object]) -> Answer:
        """Send a trigger. Its scan is closed by `closing` if it fails, and by an abort of `aborted` if broken off.
        Both are empty if it is not known which scan it is.
        """
        doubtful = tuple(self._doubtful) if command == _START else ()

        def sent(proxy: tango.DeviceProxy) -> Answer:
            for one in doubtful:
                _close_in_doubt(proxy, one)
            return decode_answer(_sent(proxy, command, request, closing))

        try:
            answer = self._line.ask(sent)
        except ClientError as error:
            if isinstance(error, CommandFailedError):
                self._doubt(closing)
            self._tell(command, error)
            return no_answer(*map(str, error.problems))
        except BaseException:  # Ctrl-C, or an abort that the control system raises in this thread
            self._doubt(_abort_of(aborted) if aborted else "")
            raise
        if command == _START:
            self._doubtful.clear()
        return answer

    @property
    def _rests(self) -> bool:
        return self._line.rest_s > 0 and not self._raises

    def _doubt(self, closing: str) -> None:
        """Have the scan closed that a failed trigger may have left open, or may open yet: now, and before the next."""
        if closing:
            self._remember(closing)
            self._line.post(lambda proxy: _close_in_doubt(proxy, closing))

    def _remember(self, closing: str) -> None:
        """Have the scan closed before the next one starts, if it is open then."""
        if closing and closing not in self._doubtful:
            self._doubtful.append(closing)
            del self._doubtful[1:-_MOST_DOUBTFUL]  # the first may be open since long, the last may just be opened

    def _tell(self, command: str, error: ClientError) -> None:
        """Raise the error, or log it."""
        if self._raises:
            raise error
        log.warning("%s: %s", command, error)


def _abort_of(request: Mapping[str, object]) -> str:
    """What aborts the scan of a request, with all that the request brings."""
    return encoded({"reason": _IN_DOUBT, **request, "abort": True})


def _sent(proxy: tango.DeviceProxy, command: str, request: str, closing: str) -> str:
    """Send a trigger, and once more if the connection was an old one, of a daemon that was restarted."""
    import tango  # noqa: PLC0415

    try:
        return _send(proxy, command, request)
    except tango.CommunicationFailed as error:
        if any(one.reason == _TIMED_OUT for one in error.args):
            raise
    if command == _START:
        # It may have been done before the connection was lost.
        _close_in_doubt(proxy, closing)
    return _send(proxy, command, request)


def _close_in_doubt(proxy: tango.DeviceProxy, closing: str) -> None:
    """End or abort a scan that may be open. A refusal says that it is not."""
    import tango  # noqa: PLC0415

    try:
        _send(proxy, _END, closing)
    except tango.DevFailed as error:
        if not error.args[0].reason.startswith(REASON_PREFIX):
            raise


def _send(proxy: tango.DeviceProxy, command: str, request: str) -> str:
    import tango  # noqa: PLC0415

    argument = tango.DeviceData()  # for a text alone, Tango would first ask for the type of the argument
    argument.insert(tango.CmdArgType.DevString, request)
    return str(proxy.command_inout(command, argument))


def _given(parts: Mapping[str, _T]) -> dict[str, _T]:
    return {name: part for name, part in parts.items() if part}


def _shown(proxy: tango.DeviceProxy) -> dict[str, object]:
    shown: dict[str, object] = {"state": str(proxy.state()), "status": text_of(proxy.status())}
    names = [name for name in proxy.get_attribute_list() if name not in ("State", "Status")]
    for one in proxy.read_attributes(names):
        shown[one.name] = _read(one.value)
    return shown


def _placeholders(node: Mapping[str, Any]) -> Iterator[str]:
    yield from node["sources"]
    for child in node.get("children", ()):
        yield from _placeholders(child)


def _read(value: object) -> object:
    if isinstance(value, tuple):
        return [_read(one) for one in value]
    return text_of(value) if isinstance(value, str) else value


def _problem(text: str) -> Problem:
    """The problem behind its text, as far as that tells: its place, its severity, and the rest as one sentence."""
    found = _PROBLEM.fullmatch(text)
    if found is None:
        return Problem(text)
    place = Location(found["file"], int(found["line"] or 0), int(found["column"] or 0)) if found["file"] else None
    return Problem(found["what"], location=place, severity=Severity(found["severity"]))
