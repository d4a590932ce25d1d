"""Watched triggers: scans that begin and end with an attribute, without a client.

- `watched_triggers`: all watched triggers of a config
"""
