"""`nxscribe scan start`, `end` and `abort`: triggers from a shell.

A script may send them for each of many scans, so they import nothing but the client: typer alone takes a third as long
as PyTango, and argparse is there with PyTango anyway.
"""

from __future__ import annotations

import gc
import json
import math
import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Final, TypedDict

from nxscribe.cli._output import print_line
from nxscribe.cli._summing_up import HINT, summed_up
from nxscribe.client import Answer, ScribeClient

DEVICE: Final = "NXSCRIBE_DEVICE"
"""The environment variable of the daemon's device."""
_TIMEOUT_S: Final = 30.0
"""The time-out is longer than any deadline of a capture, because waiting is better than losing a scan."""
_LAST_S: Final = 2.0
"""How long a trigger that failed late still waits, until what closes its scan is sent."""


def client_of(device: str) -> ScribeClient:
    """The client for a command."""
    return ScribeClient(device, timeout_s=_TIMEOUT_S, raises=True)


def start(client: ScribeClient, arguments: Namespace) -> Answer:
    """Start a scan: the initial readings are on disk when this returns."""
    named = (arguments.proposal, arguments.sample, arguments.scan, arguments.technique)
    return client.start(*named, dict(arguments.parameter), session=arguments.session)


def end(client: ScribeClient, arguments: Namespace) -> Answer:
    """End the scan: the final readings are on disk when this returns; its file follows.

    Name the scan where an end may be sent twice, as after a time-out: a scan that has ended is answered for again, and
    another one that is open meanwhile is left alone.
    """
    files: dict[str, list[str]] = {}
    for detector, path in arguments.file:
        files.setdefault(detector, []).append(path)
    return client.end(dict(arguments.parameter), files, **_told(arguments))


def abort(client: ScribeClient, arguments: Namespace) -> Answer:
    """Abort the scan: it is closed with the final readings that can be had.

    Without a name whatever is open or under way is aborted. A scan that is named is aborted, and no other.
    """
    return client.abort(**_told(arguments))


TRIGGERS: Final[dict[str, Callable[[ScribeClient, Namespace], Answer]]] = {"start": start, "end": end, "abort": abort}
"""The commands by their names. Their docstrings are their help."""


def send_trigger(name: str, words: Sequence[str]) -> None:
    """Run one of `TRIGGERS` with the words after its name, and print the answer.

    Raises ClientError, and SystemExit for `--help` and for words that are wrong.
    """
    arguments = trigger_parser(name).parse_args(words)
    gc.disable()  # the process is over before there is anything to collect
    # PyTango imports numpy, whose linear algebra would start a thread for each processor.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    client = client_of(arguments.device)
    begun = time.monotonic()
    try:
        answer = TRIGGERS[name](client, arguments)
    finally:
        client.flush(max(_TIMEOUT_S - (time.monotonic() - begun), _LAST_S))
    if answer:
        _show(answer, as_json=arguments.json, everything=arguments.all)
    else:
        print_line("the start or end that was under way is stopped", err=True)


def trigger_parser(name: str) -> ArgumentParser:
    """The arguments and options of one of `TRIGGERS`."""
    told = TRIGGERS[name].__doc__ or ""
    parser = ArgumentParser(f"nxscribe scan {name}", description=" ".join(told.split()), allow_abbrev=False)
    if name == "start":
        parser.add_argument("proposal", help="the experiment: ma2210")
        parser.add_argument("sample")
        parser.add_argument("scan", help="the scan's (dataset's) name")
        parser.add_argument("--technique", "-t", default="", help="one of the config's techniques; by default its own")
        parser.add_argument("--session", default="", help="the session of the experiment, for the config's {session}")
    device = os.environ.get(DEVICE) or None
    told = f"the daemon's Tango device: id16a/nxscribe/main; by default ${DEVICE}"
    parser.add_argument("--device", "-d", default=device, required=device is None, help=told)
    if name != "abort":
        told = "name=value, as often as needed; the value is JSON, or else a text"
        parser.add_argument("--parameter", "-p", action="append", default=[], type=_parameter, help=told)
    if name == "end":
        told = "detector=/path/of/a/raw/file, in order, as often as needed"
        parser.add_argument("--file", "-f", action="append", default=[], type=_file, help=told)
    if name != "start":
        parser.add_argument("--record", default="", help="this scan and no other: its record's id")
        parser.add_argument("--entry", default="", help="the same by its entry: entry_0029")
        parser.add_argument("--scan", default="", help="the same by its name")
        told = "how the scan ended: finished, stopped, aborted, failed or interrupted"
        parser.add_argument("--end-reason", default="", help=told)
        parser.add_argument("--reason", default="", help="why, in your own words")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--all", action="store_true", help="name each missing value, however many there are")
    return parser


class _Told(TypedDict):
    record: str
    entry: str
    scan: str
    end_reason: str
    reason: str


def _told(arguments: Namespace) -> _Told:
    """Which scan is meant, and how it ended."""
    return _Told(
        record=arguments.record,
        entry=arguments.entry,
        scan=arguments.scan,
        end_reason=arguments.end_reason,
        reason=arguments.reason,
    )


def _parameter(text: str) -> tuple[str, object]:
    name, value = _pair(text, "name=value")
    return name, _value(value)


def _file(text: str) -> tuple[str, str]:
    return _pair(text, "detector=/path")


def _pair(text: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ArgumentTypeError(f"{name!r} is not of the form {form}")
    return name, value


def _value(text: str) -> object:
    """What the JSON says. Any other text is itself, and so is what Python's numbers and dictionaries would change: the
    daemon says of it why it cannot be kept.
    """
    try:
        return json.loads(text, parse_float=_exact, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return text


def _exact(text: str) -> float:
    number = float(text)
    is_too_small = number == 0 and any(digit in "123456789" for digit in text.lower().partition("e")[0])
    if is_too_small or math.isinf(number):
        raise ValueError(text)
    return number


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(pairs)
    return found


def _show(answer: Answer, *, as_json: bool, everything: bool) -> None:
    if as_json:
        print(json.dumps(asdict(answer), ensure_ascii=False), file=sys.stdout, flush=True)  # noqa: T201 - its result
        return
    print_line(f"{answer.entry} in {answer.master}")
    print_line(f"{answer.read} values, {len(answer.missing)} missing, {answer.dead_time_s * 1e3:.0f} ms")
    for warning in answer.warnings:
        print_line(warning)
    if answer.missing_mandatory:
        print_line(f"mandatory, and missing: {', '.join(answer.missing_mandatory)}")
    sums = summed_up(answer.missing, everything=everything)
    for name, why in sums:
        print_line(f"{name}: {why}", indent=2)
    if len(sums) < len(answer.missing):
        print_line(HINT, indent=2)
