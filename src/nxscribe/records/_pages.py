"""Reads the pages of an SQLite file without SQLite, for a damaged journal that SQLite cannot read.

Only the leaves of tables are read: they contain the rows, and can be read without the tree above them and any index.
The formats are those of SQLite's own pages "Database File Format" and "WAL-mode File Format".
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from nxscribe.records._wal import WriteAheadLog, wal_path

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
"""The size of the header of the file, before the content of the first page."""
_DEFAULT_PAGE_BYTES = 4096
_LEAF_OF_A_TABLE = 0x0D
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""The number of bytes of each serial type that is a stored integer."""

Cell = int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Row:
    """The place of a row. The row is decoded when it is needed, because a journal can be larger than the memory."""

    page: int
    offset: int
    in_log: bool


class Pages:
    """The bytes of an SQLite file and of its log. Use it with `with`."""

    def __init__(self, path: Path) -> None:
        """Open both files. Raises OSError if the file cannot be read."""
        self._opened = ExitStack()
        with self._opened:
            self._data = _mapped(self._opened, path)
            self._log = WriteAheadLog(_mapped(self._opened, wal_path(path)) if wal_path(path).exists() else b"")
            self._opened = self._opened.pop_all()
        header = self._data[:_HEADER_BYTES]
        is_sound = header.startswith(_MAGIC) and len(header) == _HEADER_BYTES
        size = int.from_bytes(header[16:18]) if is_sound else _DEFAULT_PAGE_BYTES
        self._page_bytes = 65536 if size == 1 else size if size >= 512 else _DEFAULT_PAGE_BYTES  # noqa: PLR2004
        self._usable = self._page_bytes - (header[20] if is_sound else 0)
        self._newer = dict(self._log.pages(self._page_bytes))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def rows(self) -> Iterator[Row]:
        """All rows of all tables. The rows of the log come last, so that newer rows come later."""
        count = -(-len(self._data) // self._page_bytes)
        for number in range(1, count + 1):
            yield from self._rows_of(number, in_log=False)
        for number in self._newer:
            yield from self._rows_of(number, in_log=True)

    def values(self, row: Row) -> tuple[Cell, ...]:
        """The columns of a row; empty if its bytes are not a valid row."""
        try:
            return self._decode(row)
        except (IndexError, ValueError, struct.error):
            return ()

    def _rows_of(self, number: int, *, in_log: bool) -> Iterator[Row]:
        page = self._image(number, in_log=in_log)
        start = _HEADER_BYTES if number == 1 else 0
        if len(page) < start + 8 or page[start] != _LEAF_OF_A_TABLE:
            return
        count = min(int.from_bytes(page[start + 3 : start + 5]), len(page) // 4)
        for index in range(count):
            at = start + 8 + 2 * index
            yield Row(number, int.from_bytes(page[at : at + 2]), in_log)

    def _image(self, number: int, *, in_log: bool) -> bytes:
        if in_log and number in self._newer:
            return self._log.image(self._newer[number], self._page_bytes)
        return self._data[(number - 1) * self._page_bytes : number * self._page_bytes]

    def _decode(self, row: Row) -> tuple[Cell, ...]:
        page = self._image(row.page, in_log=row.in_log)
        size, at = _varint(page, row.offset)
        _, at = _varint(page, at)
        payload = self._payload(page, at, size, in_log=row.in_log)
        header_bytes, at = _varint(payload, 0)
        types = []
        while at < header_bytes:
            kind, at = _varint(payload, at)
            types.append(kind)
        values = []
        for kind in types:
            value, at = _value(payload, at, kind)
            values.append(value)
        return tuple(values)

    def _payload(self, page: bytes, at: int, size: int, *, in_log: bool) -> bytes:
        """The row's bytes, with those on its overflow pages."""
        if size > len(self._data) + len(self._log):
            raise ValueError("longer than the file")
        most = self._usable - 35
        local = size
        if size > most:
            least = (self._usable - 12) * 32 // 255 - 23
            local = least + (size - least) % (self._usable - 4)
            local = local if local <= most else least
        payload = bytearray(page[at : at + local])
        following = int.from_bytes(page[at + local : at + local + 4]) if local < size else 0
        while len(payload) < size:
            more = self._image(following, in_log=in_log) if following else b""
            if len(more) < 4:  # noqa: PLR2004 - the number of the page that follows
                raise ValueError("its overflow pages are not all there")
            payload += more[4 : min(self._usable, 4 + size - len(payload))]
            following = int.from_bytes(more[:4])
        return bytes(payload)


def _mapped(opened: ExitStack, path: Path) -> mmap.mmap | bytes:
    file = opened.enter_context(path.open("rb"))
    if not path.stat().st_size:
        return b""
    return opened.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9


def _value(data: bytes, at: int, kind: int) -> tuple[Cell, int]:
    """One column, and where it ends."""
    if kind in {0, 8, 9}:
        return {0: None, 8: 0, 9: 1}[kind], at
    if size := _INTEGER_BYTES.get(kind, 0):
        return int.from_bytes(_cut(data, at, size), signed=True), at + size
    if kind == 7:  # noqa: PLR2004 - an IEEE double
        return float(struct.unpack(">d", _cut(data, at, 8))[0]), at + 8
    size = (kind - 12) // 2
    if size < 0:
        raise ValueError("a serial type that SQLite does not use")
    found = _cut(data, at, size)
    return found if kind % 2 == 0 else found.decode(errors="replace"), at + size


def _cut(data: bytes, at: int, size: int) -> bytes:
    found = data[at : at + size]
    if len(found) < size:
        raise ValueError("the row is shorter than its header says")
    return found
