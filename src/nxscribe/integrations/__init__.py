"""Clients of the daemon within control systems. Each is one module or package, and imports `nxscribe.client` alone.

- `bliss`: hooks of BLISS's scan queue
- `bliss_redis`: a program that watches BLISS's Redis
- `bluesky`: a document callback for bluesky's RunEngine and for blueapi
- `metadata_manager`: a Tango server for clients of the ESRF's MetadataManager and MetaExperiment
- `mxcube`: a hardware object for MXCuBE
- `nxscribe.mac`: macros for SPEC
- `sardana`: a recorder for the MacroServer of Sardana
"""
