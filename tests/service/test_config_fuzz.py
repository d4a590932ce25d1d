"""The config under arbitrary input: a config or located problems, never anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nxscribe.errors import InputError
from nxscribe.service.check.examine import examine
from nxscribe.service.config import load_config
from nxscribe.service.config._schema import FORMS

KEYS = sorted({key for form in FORMS.values() for key in form.model_fields} | {"tomo", "energy", "pco"})
WORDS = [
    "id16a",
    "a/b/c/d",
    "${energy}",
    "{proposal}.h5",
    "../x",
    "linked",
    "warn",
    "tomo.xml",
    "mm",
    "",
    " ",
    "\u0085",
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner),
    max_leaves=12,
)
VALID = {"beamline": "id16a", "data_root": "data", "techniques": {"tomo": {"definition": "tomo.xml"}}}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "config.yaml"


def check(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    try:
        config = load_config(file)
    except InputError as error:
        problems = error.problems
    else:
        assert config.data_root.is_absolute()
        return
    assert problems
    assert set(problems) <= set(examine(file).problems)
    for problem in problems:
        assert problem.location is not None
        assert problem.location.file == str(file)
        assert problem.what
        assert "\n" not in str(problem)
        assert len(str(problem)) < 1000


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FORMS[()].model_fields)), VALUES))
def test_any_structure_is_a_config_or_located_problems(file: Path, changes: dict[str, object]) -> None:
    # YAML 1.2 takes JSON.
    check(file, json.dumps(VALID | changes).encode())


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="abc:[]{}-,#&*!|>'\"%@\n \t$/", max_size=200).map(str.encode))
def test_any_bytes_are_a_config_or_located_problems(file: Path, data: bytes) -> None:
    check(file, data)
