"""Raw frames within reach of the entry: one module for each raw format."""

from nxscribe.projections.nexus.raw.link import FILES, RawLink, files_aside, link_raw
from nxscribe.projections.nexus.raw.scan import ScanRaw, is_awaited, raw_of

__all__ = ["FILES", "RawLink", "ScanRaw", "files_aside", "is_awaited", "link_raw", "raw_of"]
