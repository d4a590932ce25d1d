"""The formats of raw files, one module each. The object `FORMAT` of each module in this folder is found without a list.

Another package adds a format by the entry point `nxscribe.raw_formats`: see docs/how-to/add-a-raw-format.md.
"""
