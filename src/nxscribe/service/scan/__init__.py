"""The scans of a trigger device.

- `session`: carries out what the state machine decides
- `requests`: what a control system sends
- `status`: what a session reports, and the answers to triggers
- `scan_values`: the values of a scan as JSON
"""
