"""Definition + config → capture plan: what is read, in which phase, from where; checked before any scan."""

from nxscribe.plan.built_in import BUILT_IN
from nxscribe.plan.capture_plan import CapturePlan
from nxscribe.plan.compile import compile_plan, examine_plan
from nxscribe.plan.detectors import LimaDetector
from nxscribe.plan.preview import NodeKind, PreviewNode, preview_tree
from nxscribe.plan.raw import CameraFiles, camera_files, writes
from nxscribe.plan.sources import (
    ExpressionSource,
    LiteralSource,
    Origin,
    ParameterSource,
    PropertySource,
    Source,
    TangoSource,
)
from nxscribe.plan.uses import Use, uses_of, written_nodes

__all__ = [
    "BUILT_IN",
    "CameraFiles",
    "CapturePlan",
    "ExpressionSource",
    "LimaDetector",
    "LiteralSource",
    "NodeKind",
    "Origin",
    "ParameterSource",
    "PreviewNode",
    "PropertySource",
    "Source",
    "TangoSource",
    "Use",
    "camera_files",
    "compile_plan",
    "examine_plan",
    "preview_tree",
    "uses_of",
    "writes",
    "written_nodes",
]
