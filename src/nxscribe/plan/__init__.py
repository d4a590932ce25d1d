"""The capture plan: what a technique reads, in which phase and from where. It is checked before any scan.

`compile_plan` makes a `CapturePlan` from a definition and the sources of its placeholders. These modules are used on
their own:

- `checks`: what can be wrong with sources and units
- `expressions`: whether expressions are valid formulas with matching units
- `preview_nodes`: the tree as it will be written, for previews
- `source`: a source of the config: its origin, and the rules for reading it
- `uses`: where a definition uses its placeholders
"""

from nxscribe.plan._built_in_names import BUILT_IN
from nxscribe.plan._capture_plan import CapturePlan
from nxscribe.plan._compile import compile_plan, examine_plan
from nxscribe.plan._detectors import LimaDetector
from nxscribe.plan._lima_files import CameraFiles, camera_files, saving_folders, writes
from nxscribe.plan._positioners import Positioners, with_positioners
from nxscribe.plan._values_plan import plan_of_values
from nxscribe.plan.preview_nodes import NodeKind, PreviewNode, preview_tree
from nxscribe.plan.source import Source
from nxscribe.plan.uses import Use, uses_of, written_nodes

__all__ = [
    "BUILT_IN",
    "CameraFiles",
    "CapturePlan",
    "LimaDetector",
    "NodeKind",
    "Positioners",
    "PreviewNode",
    "Source",
    "Use",
    "camera_files",
    "compile_plan",
    "examine_plan",
    "plan_of_values",
    "preview_tree",
    "saving_folders",
    "uses_of",
    "with_positioners",
    "writes",
    "written_nodes",
]
