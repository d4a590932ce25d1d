"""nxscribe records the metadata of every scan of a beamline, and writes NeXus files from its records.

docs/explanation/architecture.md shows how the packages work together. Each package imports only packages above it:

- `errors`: what is raised, and the form of every message
- `tango_text`: texts in Tango's protocol
- `client`: the client of a running daemon
- `model`: data: definitions, readings, snapshots, units, times, names
- `runtime`: supervised threads, worker processes, the clock
- `definitions`: files of definitions to trees and back
- `sources`: kinds of sources, and their connections
- `plan`: a definition and the sources of its placeholders to a capture plan, and all checks of it
- `capture`: reading many sources side by side by a deadline
- `records`: the record of a scan, and the journal that keeps it
- `projections`: what is made from records: NeXus files, and others
- `service`: sessions, config, reload, upkeep: the scribe
- `triggers`: the Tango device, the daemon
- `integrations`: clients within control systems
- `simulation`: a beamline with real Tango servers, for the demo and the tests
- `cli`: the commands
"""

__version__ = "0.2.0.dev0"
