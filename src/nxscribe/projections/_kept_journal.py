"""The journal of a writer process: opened once, as opening it takes longer than to read a record out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nxscribe.records import JournalReader


class _Kept:
    """The reader that was used last."""

    reader: JournalReader | None = None
    file: os.stat_result | None = None


@contextmanager
def kept_journal(path: Path) -> Iterator[JournalReader]:
    """The journal at a path, to be read. For one thread. Raises JournalError.

    It stays open for the next time, unless another file has its place by then, or reading it fails.
    """
    if _Kept.reader and not (_Kept.reader.path == path and _Kept.file and _is_same(path, _Kept.file)):
        _close()
    if not _Kept.reader:
        _Kept.reader, _Kept.file = JournalReader(path), path.stat()
    try:
        yield _Kept.reader
    except BaseException:
        _close()
        raise


def _is_same(path: Path, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), file)
    except OSError:
        return False


def _close() -> None:
    if _Kept.reader:
        _Kept.reader.close()
        _Kept.reader = None
