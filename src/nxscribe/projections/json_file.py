"""The kind `json`: a scan's record as one JSON file beside its entry, for programs that do not read HDF5."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import msgspec
from pydantic import Field

from nxscribe.projections import atomic
from nxscribe.projections._protocol import Done, Form, Outcome, Previous, Projection, Remark, Settings
from nxscribe.projections.files import entries_folder, master_path
from nxscribe.records import NEXUS, Record, record_to_json


class JsonForm(Form):
    """The record of each scan as a JSON file beside its entry: all readings, in the form of `nxscribe records export`.

    The definition is left out.
    """

    indent: int = Field(
        default=2, ge=0, le=8, description="How many spaces the lines are indented by. 0: all in one line."
    )


class JsonFile(Projection):
    """`{master}_entries/entry_0029.json`, in either layout."""

    kind: ClassVar[str] = "json"
    after: ClassVar[tuple[str, ...]] = (NEXUS,)
    form: ClassVar[type[JsonForm]] = JsonForm

    def project(self, record: Record, settings: Settings, previous: Mapping[str, Previous]) -> Outcome:
        """Write the file atomically. At the end of the scan it becomes read-only like the entry."""
        indent = settings.form.indent if isinstance(settings.form, JsonForm) else 0
        master = master_path(record, settings.files.data_root)
        path = entries_folder(master) / f"{record.entry}.json"
        text = record_to_json(replace(record, definition=replace(record.definition, text="", tree=None)))
        if indent:
            text = msgspec.json.format(text, indent=indent)
        ownership = settings.files.ownership
        atomic.check_places((master, path), settings.files)
        with atomic.explained(path, settings.files.data_root), atomic.locked(master.parent, ownership):
            with atomic.replacing(path, ownership, complete=not record.is_open) as temporary:
                atomic.write(temporary, text + b"\n")
            _remove_former(previous.get(self.kind), path, record.id)
        remark = Remark("info", "JSON file written", {"entry": record.entry, "file": str(path)})
        return Done({"file": str(path)}, (remark,))


def _remove_former(made: Previous | None, path: Path, record_id: str) -> None:
    """Take away the file of a record that had another number then, unless another record has its place by now."""
    former = Path(str(made.result.get("file", path))) if made else path
    if former != path and former.parent == path.parent:
        with suppress(FileNotFoundError):
            if f'"{record_id}"'.encode() in former.read_bytes():
                former.unlink()
