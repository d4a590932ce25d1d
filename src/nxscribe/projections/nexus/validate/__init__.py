"""Validation of a master file: links, raw files, plots, units, times, identifiers, and the rules of NeXus.

HDF5 and the NeXus validators do not report many errors that make a file useless. Therefore nxscribe checks a file
itself, and calls the validators for what they know. docs/explanation/validation.md lists all checks.
"""

from nxscribe.projections.nexus.validate._examination import validate
from nxscribe.projections.nexus.validate._finding import Check, Finding, Report
from nxscribe.projections.nexus.validate._suppressions import NEXUSFORMAT, PYNXTOOLS, FalseAlarm

__all__ = ["NEXUSFORMAT", "PYNXTOOLS", "Check", "FalseAlarm", "Finding", "Report", "validate"]
