"""Clients of the daemon within control systems. Each is one module, and imports `nxscribe.client` alone.

- `bluesky`: a document callback for bluesky's RunEngine and for blueapi
"""
