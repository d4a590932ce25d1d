"""The service: config, the scans' state machine, files by a writer process, the log, the service manager.

`config` and `beamline` say what is to be done; `session` takes triggers to committed records, `projector` takes
records to files, `scribe` holds them together. Nothing is imported here: `nxscribe check` needs only the first two.
"""
