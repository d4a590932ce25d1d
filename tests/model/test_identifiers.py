from __future__ import annotations

import pytest

from nxscribe.model.identifiers import identifier_problem


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ORCID", "0000-0002-1825-0097"),
        ("orcid", "https://orcid.org/0000-0002-1694-233X"),
        ("ROR", "https://ror.org/02550n020"),
        ("ROR", "05a28rw58"),
        ("DOI", "10.15151/ESRF-DC-1234"),
        ("DOI", "https://doi.org/10.1107/S1600576714027575"),
        ("PURL", "http://purl.org/pan-science/PaNET/PaNET01207"),
        ("URL", "https://w3id.org/PaN/ESRFET#XRCT"),
        ("IGSN", "anything: nobody here judges those"),
    ],
)
def test_a_well_formed_identifier_passes(kind: str, text: str) -> None:
    assert not identifier_problem(kind, text)


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        ("ORCID", "0000-0002-1825-0098", "its last digit does not fit"),
        ("ORCID", "0000000218250097", "four groups"),
        ("ROR", "https://ror.org/02550n021", "its last digits do not fit"),
        ("ROR", "ESRF", "a ROR is"),
        ("DOI", "11.1/x", "a DOI is"),
        ("URL", "www.esrf.fr", "it begins with"),
        ("PURL", "http://purl.org/pan-science/PaNET/PaNET123", "a PaNET term is"),
        ("URL", "http://w3id.org/ESRFET/XRCT", "an ESRFET term is"),
    ],
)
def test_a_malformed_one_is_told(kind: str, text: str, problem: str) -> None:
    assert problem in identifier_problem(kind, text)
