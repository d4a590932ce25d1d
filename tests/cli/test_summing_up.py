"""A definition with many fields that nothing fills: every command sums them up in the same way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from nxscribe.cli._check_command import check
from nxscribe.cli._preview_command import preview
from nxscribe.cli._summing_up import summed_problems, summed_up
from nxscribe.cli._validate_command import summed_findings
from nxscribe.errors import Problem, Severity
from nxscribe.projections.nexus.validate import Check, Finding

GROUPS = ("sample", "camera")
FIELDS = 60


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    groups = "\n".join(
        f'<group NX_class="NXcollection" groupName="{group}">\n'
        + "\n".join(f"<f{number:02}>${{{group}_{number}}}</f{number:02}>" for number in range(FIELDS))
        + "\n</group>"
        for group in GROUPS
    )
    Path("t.xml").write_text(f'<group NX_class="NXentry" groupName="${{entry}}">\n{groups}\n</group>\n')
    Path("bl.yaml").write_text("beamline: bl\ndata_root: .\ntechniques: {t: {definition: t.xml}}\n")
    app = typer.Typer()
    app.command()(check)
    app.command()(preview)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, [words[0], "bl.yaml", *words[1:]], env={"COLUMNS": "80"})

    return run


def test_check_sums_up_by_group_and_counts_each(run) -> None:
    result = run("check")
    told = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split("; ")[0] for line in told] == [
        "t.xml:3:1: warning: 60 fields of sample have no source: f00, f01, f02, …",
        "t.xml:65:1: warning: 60 fields of camera have no source: f00, f01, f02, …",
    ]
    assert all(line.endswith("--all shows each") for line in told)
    assert "120 warnings" in result.stderr


def test_all_shows_each_and_so_does_json(run) -> None:
    assert run("check", "--all").stdout.count("has no source") == len(GROUPS) * FIELDS
    assert len(json.loads(run("check", "--json").stdout)["problems"]) == len(GROUPS) * FIELDS


def test_many_problems_that_speak_of_no_place_in_the_tree_are_told_one_by_one(run) -> None:
    fields = "".join(f'<f{number} units="sluggs">1</f{number}>\n' for number in range(FIELDS))
    Path("t.xml").write_text(f'<group NX_class="NXentry" groupName="${{entry}}">\n{fields}</group>\n')
    told = run("check").stdout
    assert told.count("'sluggs', the unit of /f") == FIELDS


def test_preview_sums_up_in_the_tree(run) -> None:
    told = " ".join(run("preview").stdout.split())
    for group in GROUPS:
        assert f"{group} NXcollection 60 fields set by the control system: f00," in told
    assert "--all shows each" in run("preview").stdout
    assert "f42" not in run("preview").stdout
    assert run("preview", "--all").stdout.count("f42") == len(GROUPS)


def test_a_short_list_is_shown_as_it_is() -> None:
    missing = {f"a/{number}": "it is gone" for number in range(20)}
    assert summed_up(missing) == list(missing.items())


def test_reasons_that_differ_in_their_time_alone_are_one() -> None:
    missing = {
        f"ring/c{n:02}": f"a/b/{n}/c could not be read; it fails since 2026-03-04T05:06:{n:02}.5+01:00: no answer"
        for n in range(40)
    }
    [(what, why)] = summed_up(missing)
    assert what == "40 values of ring (c00, c01, c02, …)"
    assert why == "it fails since 2026-03-04T05:06:00.5+01:00: no answer"


def test_sources_without_a_value_are_summed_up_by_device() -> None:
    problems = [
        Problem(f"a/b/{n % 2}/x{n} gives no value", "no answer", subject=f"a/b/{n % 2}/x{n}", alike="give no value")
        for n in range(50)
    ]
    told = summed_problems([replace(one, subjects="sources") for one in problems], hint="say more")
    assert [one.explanation for one in told] == [
        "25 sources of a/b/0 give no value: x0, x2, x4, …; no answer; say more",
        "25 sources of a/b/1 give no value: x1, x3, x5, …; no answer; say more",
    ]


def test_a_long_list_is_summed_up_by_group_and_cause() -> None:
    missing = {f"mirror/m{number}": f"x/y/z/m{number} could not be read; its server is down" for number in range(30)}
    missing |= {"sample/name": "not set", "mirror/shape": "not set"}
    told = summed_up(missing)
    assert told == [
        ("30 values of mirror (m0, m1, m2, …)", "its server is down"),
        ("sample/name", "not set"),
        ("mirror/shape", "not set"),
    ]
    assert summed_up(missing, everything=True) == list(missing.items())


def test_findings_that_are_alike_are_summed_up_and_others_stand_alone() -> None:
    lacking = [
        Finding(Check.ACCOUNT, "a.h5", f"/entry_0001/{group}/f{number:02}", "missing: no source", severity=severity)
        for group, severity in (("sample", Severity.WARNING), ("camera", Severity.ERROR))
        for number in range(FIELDS)
    ]
    alone = Finding(Check.UNITS, "a.h5", "/entry_0001/sample/x@units", "'blobs' is not a known unit")
    told = [str(finding) for finding in summed_findings([*lacking, alone])]
    tail = "(f00, f01, f02, …): missing: no source; --all shows each"
    assert told == [
        f"a.h5:/entry_0001/sample/f00: warning: [account] 60 places of entry_0001/sample {tail}",
        f"a.h5:/entry_0001/camera/f00: error: [account] 60 places of entry_0001/camera {tail}",
        str(alone),
    ]
    assert summed_findings([*lacking, alone], everything=True) == [*lacking, alone]
