"""Publishes scans as BLISS does, by blissdata. A program of the environment of `make bliss`.

It obeys lines of standard input, each a JSON list of a command and its arguments, and answers each with a line.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from blissdata.redis_engine.store import DataStore
from blissdata.streams.base import Stream

NAMES = {"data_policy": "ESRF", "session": "sim_session", "collection": "bone3", "dataset": "tomo_0003"}


class Publisher:
    """One session of BLISS, with one scan at a time."""

    def __init__(self, url: str, proposal: str, file: str) -> None:
        self._store = DataStore(url)
        self._proposal, self._file = proposal, file
        self._scan: Any = None
        self._streams: list[Any] = []

    def create(self, number: int, points: int, **more: Any) -> None:
        """A step scan of the axis `sx` with the counter `diode`."""
        session = more.pop("session", NAMES["session"])
        identity = {**NAMES, "session": session, "name": "ascan", "number": number, "proposal": self._proposal}
        axis = {"unit": "mm", "start": 0.0, "stop": 1.0, "axis_points": points, "axis_id": 0, "axis_kind": "forth"}
        info = {
            "save": True,
            "type": "ascan",
            "title": f"ascan sx 0 1 {points - 1} 0.01",
            "npoints": points,
            "count_time": 0.01,
            "scan_nb": number,
            "filename": self._file,
            "channels": {"axis:sx": axis, "simulation_diode:diode": {"unit": "V"}},
            "positioners": {"positioners_start": {"sx": 0.25, "sz": 3.0}, "positioners_units": {"sz": "um"}},
            "dataset_metadata_snapshot": {"definition": "plain"},
        }
        self._scan = self._store.create_scan(identity, {**info, **more})
        self._streams = [
            self._scan.create_stream(Stream.make_definition(name, np.float64)) for name in info["channels"]
        ]
        self._scan.prepare()
        self._scan.start()

    def take(self, points: int) -> None:
        """Take points."""
        for point in range(points):
            for stream, value in zip(self._streams, (point / 2, float(point)), strict=True):
                stream.send(value)

    def close(self, end_reason: str) -> None:
        """End the scan as BLISS does."""
        for stream in self._streams:
            stream.seal()
        self._scan.stop()
        self._scan.info = {**self._scan.info, "end_reason": end_reason}
        self._scan.close()

    def leave(self) -> None:
        """Be killed in the middle of the scan, and be started again."""
        self._scan = None
        self._streams = []


def answer(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


publisher = Publisher(*sys.argv[1:])
answer("ready")
for line in sys.stdin:
    command, keywords = json.loads(line)
    getattr(publisher, command)(**keywords)
    answer("done")
