"""Tango: connections to devices and databases. The kinds of sources import this package when they first connect.

- `connectors`: makes connections
- `databases`: Tango databases with several servers, and aliases
- `tango_errors`: Tango's errors, with the likely cause and the remedy
"""
