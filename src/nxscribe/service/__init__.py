"""The service: everything behind the triggers of one beamline. `scribe` holds it together.

Nothing is imported here, because `nxscribe check` needs only a part of it. The modules and packages:

- `config`: the config of a beamline
- `beamline`: config, definitions and plans as one consistent set
- `reload`: the set in force, and its replacement after an edit
- `scan`: the sessions, which answer the triggers
- `watched`: triggers that are attributes
- `scribe`: sessions, journal, reader of sources and projections of one daemon
- `events`: how the parts tell what happened
- `upkeep`: work by the clock
- `check`: what `nxscribe check` and `nxscribe preview` find out
- `schemas`: writes `schemas/`
- `log`: the log
- `systemd`: notifications of the service manager
"""
