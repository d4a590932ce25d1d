"""nxscribe: what the experiment was, read from Tango at scan start and end and written as NeXus."""

__version__ = "0.1.0"
