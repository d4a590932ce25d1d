"""Whether a master file can be relied on: links, raw sources, plots, units, times, identifiers, and NeXus itself.

HDF5 and the NeXus validators each stay silent about much that makes a file worthless, so that everything is looked at
here; what the validators know, they are asked.
"""

from nxscribe.projections.nexus.validate.examination import validate
from nxscribe.projections.nexus.validate.false_alarms import NEXUSFORMAT, PYNXTOOLS, FalseAlarm
from nxscribe.projections.nexus.validate.finding import Check, Finding, Report

__all__ = ["NEXUSFORMAT", "PYNXTOOLS", "Check", "FalseAlarm", "Finding", "Report", "validate"]
