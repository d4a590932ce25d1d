"""Raw frames within reach of the entry: one module for each raw format."""

from nxscribe.projections.nexus.raw.link import RawLink, files_aside, link_raw

__all__ = ["RawLink", "files_aside", "link_raw"]
