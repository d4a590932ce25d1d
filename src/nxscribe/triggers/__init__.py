"""The triggers: how control systems reach nxscribe.

- `daemon`: the main loop, with the Tango device server
- `client`: a client of a running daemon, for `nxscribe scan` and for scripts
"""
