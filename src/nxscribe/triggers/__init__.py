"""The triggers: how control systems reach nxscribe.

- `daemon`: the main loop, with the Tango device server
"""
