"""A Tango server with the interface of the ESRF's MetadataManager and MetaExperiment, in front of a daemon.

Macros and programs that speak to these two devices work with nxscribe without a change. The server keeps what they
write until it is sent to the daemon, and it reads nothing and writes no file itself.
"""

from nxscribe.integrations.metadata_manager._program import main

__all__ = ["main"]
