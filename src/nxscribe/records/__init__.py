"""Records: the durable description of every scan, and the journal that keeps it. All files are made from records.

The daemon uses a `Journal`. Everything else uses a `JournalReader` or `read_record`, also while a daemon runs.
`record_to_json` and `record_from_json` convert a record for export and import. The modules:

- `record`: the record and its parts
- `built_in`: the placeholders that nxscribe fills from the record
- `salvage`: copies the undamaged records of a damaged journal
"""

from nxscribe.records._codec import record_from_json, record_to_json
from nxscribe.records._definition_data import as_recorded, recorded_definition
from nxscribe.records._integrity import check_journal
from nxscribe.records._journal import JOURNAL_FILE, Journal
from nxscribe.records._outbox import NEXUS, ProjectionState, Queue, Standing, Work
from nxscribe.records._reader import JournalReader, Summary, read_record
from nxscribe.records.built_in import built_in
from nxscribe.records.record import LINK_SEPARATOR, DefinitionText, EndReason, Record, ScanIdentity
from nxscribe.records.salvage import Salvaged, salvage

__all__ = [
    "JOURNAL_FILE",
    "LINK_SEPARATOR",
    "NEXUS",
    "DefinitionText",
    "EndReason",
    "Journal",
    "JournalReader",
    "ProjectionState",
    "Queue",
    "Record",
    "Salvaged",
    "ScanIdentity",
    "Standing",
    "Summary",
    "Work",
    "as_recorded",
    "built_in",
    "check_journal",
    "read_record",
    "record_from_json",
    "record_to_json",
    "recorded_definition",
    "salvage",
]
