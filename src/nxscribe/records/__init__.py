"""Records and the journal that keeps them: the truth from which all files are made.

`Journal` is the daemon's, `JournalReader` and `read_record` serve everyone else, beside it or without it.
`record_to_json` and `record_from_json` are the form in which records travel.
"""

from nxscribe.records.built_in import built_in
from nxscribe.records.codec import record_from_json, record_to_json
from nxscribe.records.integrity import Salvaged, check_journal, salvage
from nxscribe.records.journal import JOURNAL_FILE, Journal
from nxscribe.records.outbox import FilesState, Queue, Work
from nxscribe.records.reader import JournalReader, Summary, read_record
from nxscribe.records.record import DefinitionText, EndReason, Record, ScanIdentity

__all__ = [
    "JOURNAL_FILE",
    "DefinitionText",
    "EndReason",
    "FilesState",
    "Journal",
    "JournalReader",
    "Queue",
    "Record",
    "Salvaged",
    "ScanIdentity",
    "Summary",
    "Work",
    "built_in",
    "check_journal",
    "read_record",
    "record_from_json",
    "record_to_json",
    "salvage",
]
