"""Work that is done at certain times and not by a trigger.

- `housekeeping`: closes forgotten scans, removes old records, makes the journal smaller
- `retention`: the rule by which records leave the journal
"""
