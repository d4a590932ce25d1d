"""Words that authors use instead of those of the dialects: from NXDL, from the other dialect, from daily language."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from nxscribe.definitions.diagnostics import did_you_mean

XML: Final[Mapping[str, str]] = {
    "type": "NAPItype",
    "dtype": "NAPItype",
    "unit": "units",
    "unit_category": "NX_units",
    "doc": "ESRF_description",
    "description": "ESRF_description",
    "mandatory": "ESRF_mandatory",
    "required": "ESRF_mandatory",
    "exists": "ESRF_mandatory",
    "deprecated": "ESRF_deprecated",
    "phase": "record",
    "class": "NX_class",
    "target": "ref",
    "href": "file",
    "src": "file",
}
XML_BY_TAG: Final[Mapping[str, Mapping[str, str]]] = {
    "group": {"type": "NX_class", "name": "groupName"},
    "link": {"name": "groupName", "path": "ref", "napimount": "ref"},
    "include": {"path": "file", "name": "file"},
    "attribute": {"groupName": "name"},
}
YAML: Final[Mapping[str, str]] = {
    "units": "unit",
    "nx_units": "unit_category",
    "description": "doc",
    "esrf_description": "doc",
    "source": "value",
    "text": "value",
    "content": "value",
    "placeholder": "value",
    "mandatory": "exists",
    "required": "exists",
    "esrf_mandatory": "exists",
    "phase": "record",
    "esrf_deprecated": "deprecated",
    "ref": "target",
    "link": "target",
}
TYPES: Final[Mapping[str, str]] = {
    "string": "NX_CHAR",
    "str": "NX_CHAR",
    "text": "NX_CHAR",
    "char": "NX_CHAR",
    "double": "NX_FLOAT",
    "real": "NX_FLOAT",
    "long": "NX_INT",
    "bool": "NX_BOOLEAN",
    "date": "NX_DATE_TIME",
    "time": "NX_DATE_TIME",
    "datetime": "NX_DATE_TIME",
    "timestamp": "NX_DATE_TIME",
}
PHASES: Final[Mapping[str, str]] = {
    "start": "initial",
    "begin": "initial",
    "before": "initial",
    "end": "final",
    "stop": "final",
    "after": "final",
}
MANDATORY: Final[Mapping[str, str]] = {
    "true": "mandatory",
    "yes": "mandatory",
    "1": "mandatory",
    "false": "optional",
    "no": "optional",
    "0": "optional",
}


def meant(word: str, known: Collection[str], synonyms: Mapping[str, str]) -> str:
    """The known word that has the meaning of `word`; empty if there is none."""
    found = synonyms.get(word) or synonyms.get(word.lower(), "")
    return found if found in known else ""


def suggestion(word: str, known: Collection[str], synonyms: Mapping[str, str]) -> str:
    """`did you mean 'units'?`, for a word of similar spelling or equal meaning; otherwise all known words, if few."""
    found = meant(word, known, synonyms)
    return f"did you mean {found!r}?" if found else did_you_mean(word, known)
