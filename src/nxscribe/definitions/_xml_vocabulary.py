"""The words of the XML dialect and the model's names for them: one table for the reader, the writer and messages."""

from __future__ import annotations

from typing import Final

GROUP: Final = {
    "groupName": "name",
    "NX_class": "nx_class",
    "ESRF_description": "description",
    "override": "override",
}
FIELD: Final = {
    "NAPItype": "type",
    "units": "units",
    "NX_units": "unit_category",
    "record": "record",
    "ESRF_mandatory": "mandatory",
    "ESRF_description": "description",
    "ESRF_deprecated": "deprecated",
    "default": "default",
    "override": "override",
}
"""The words of an element whose tag is not reserved: the tag is the name of a field."""
NAMED_FIELD: Final = {"name": "name", **FIELD}
"""The words of `<field name="2theta">`, for names that cannot be a tag."""
LINK: Final = {"groupName": "name", "ref": "target", "frames": "frames", "override": "override"}
ATTRIBUTE: Final = {"name": "name", "NAPItype": "type", "override": "override"}
INCLUDE: Final = {"file": "file"}

MISSPELT: Final = {"ESRF_desription": "ESRF_description"}
"""Misspelt words in the versions 2.1.3 to 2.2.0 of the file of the ESRF, with the correct words."""

RESERVED: Final = {"group": GROUP, "link": LINK, "attribute": ATTRIBUTE, "include": INCLUDE}
REQUIRED: Final = {
    "group": ("groupName",),
    "link": ("groupName", "ref"),
    "attribute": ("name",),
    "include": ("file",),
}
