"""Raw frames within reach of the entry: one module for each raw format."""

from nxscribe.projections.nexus.raw.file_lists import FILES
from nxscribe.projections.nexus.raw.raw_link import RawLink, files_aside
from nxscribe.projections.nexus.raw.scan import ScanRaw, is_awaited, raw_of

__all__ = ["FILES", "RawLink", "ScanRaw", "files_aside", "is_awaited", "raw_of"]
