"""Persistent identifiers: whether one is well formed. Nothing is looked up on the network."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_ORCID: Final = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
_ROR: Final = re.compile(r"(?:https?://)?(?:ror\.org/)?(0[a-hj-km-np-tv-z0-9]{6}\d{2})")
_DOI: Final = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/)?10\.\d{4,9}(?:\.\d+)*/\S+")
_URL: Final = re.compile(r"https?://[^\s/]+\.[^\s]+")
_PANET: Final = re.compile(r"http://purl\.org/pan-science/PaNET/PaNET\d{5}")
_ESRFET: Final = re.compile(r"https?://w3id\.org/PaN/ESRFET#\w+")
_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"


def identifier_kind(name: str, type_name: str) -> str:
    """The kind of identifier that a field holds; empty for none.

    Args:
        name: The field's name: `identifierNAME`, as NXobject has it, or the name of a kind.
        type_name: Its attribute `type`, which tells the kind of an `identifierNAME`.
    """
    own_name = name.lower().removeprefix("identifier").strip("_")
    by_name = _KINDS_BY_NAME.get(own_name, "")
    return (type_name or by_name) if name.startswith("identifier") else _KINDS_BY_NAME.get(name.lower(), "")


def identifier_problem(kind: str, text: str) -> str:
    """What is wrong with an identifier of a kind (`ORCID`, `DOI`, `ROR`, …), as a text; empty if it is well formed.

    An identifier of an unknown kind is not checked.
    """
    judge = _JUDGES.get(kind.strip().upper())
    return judge(text) if judge else ""


def _orcid(text: str) -> str:
    """ISO 7064 MOD 11-2 over the first fifteen digits, as ORCID's own documentation has it."""
    found = _ORCID.fullmatch(text)
    if not found:
        return "an ORCID is four groups of four digits, such as 0000-0002-1825-0097"
    digits = found.group(1).replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return "" if digits[-1] == ("X" if check == 10 else str(check)) else "its last digit does not fit the others"  # noqa: PLR2004


def _ror(text: str) -> str:
    """The last two digits are ISO 7064 MOD 97-10 over the six before, in Crockford's base 32."""
    found = _ROR.fullmatch(text)
    if not found:
        return "a ROR is 0, six letters or digits and two digits, such as https://ror.org/02550n020"
    number = 0
    for letter in found.group(1)[1:-2]:
        number = number * 32 + _CROCKFORD.index(letter)
    return "" if int(found.group(1)[-2:]) == 98 - number * 100 % 97 else "its last digits do not fit the others"


def _shaped(pattern: re.Pattern[str], shape: str) -> Callable[[str], str]:
    return lambda text: "" if pattern.fullmatch(text) else shape


def _url(text: str) -> str:
    """Terms of the ontologies PaNET and ESRFET are URLs of a known form."""
    if "/PaNET" in text:
        return "" if _PANET.fullmatch(text) else f"a PaNET term is {_PANET_FORM} and five digits"
    if "ESRFET" in text:
        return "" if _ESRFET.fullmatch(text) else "an ESRFET term is https://w3id.org/PaN/ESRFET# and a name"
    return "" if _URL.fullmatch(text) else "it begins with http:// or https://"


_KINDS_BY_NAME: Final = {"orcid": "ORCID", "doi": "DOI", "ror": "ROR"}
_PANET_FORM: Final = "http://purl.org/pan-science/PaNET/PaNET"
_JUDGES: Final[dict[str, Callable[[str], str]]] = {
    "ORCID": _orcid,
    "ROR": _ror,
    "DOI": _shaped(_DOI, "a DOI is 10., a number, a slash and more, such as 10.5281/zenodo.1234567"),
    "PURL": _url,
    "URL": _url,
}
