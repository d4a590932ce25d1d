"""The config: every mistake told at once, at its place, with a remedy; what is right becomes plain settings."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from nxscribe.errors import InputError, Location
from nxscribe.plan import LimaDetector, Source
from nxscribe.projections import Layout
from nxscribe.service.config import Config, LogFormat, UnreadableError, load_config
from nxscribe.sources import (
    ExpressionSource,
    LiteralSource,
    Origin,
    ParameterSource,
    PropertySource,
    TangoSource,
    kinds,
)

HEAD = """\
beamline: id16a
data_root: /data/visitor
techniques: {tomo: {definition: ../definitions/tomo.xml}}
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "configs" / "id16a.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    return write


@pytest.fixture
def load(write):
    def load(more: str = "") -> Config:
        return load_config(write(HEAD + textwrap.dedent(more)))

    return load


@pytest.fixture
def problems(write, tmp_path: Path):
    """The problems of a text, the folder's name left out."""

    def problems(text: str) -> list[str]:
        with pytest.raises(InputError) as raised:
            load_config(write(text))
        return [str(problem).replace(f"{tmp_path}/configs/", "") for problem in raised.value.problems]

    return problems


def test_defaults_are_those_of_the_manual(load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TANGO_HOST", raising=False)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    config = load()
    assert config.beamline == "id16a"
    assert config.data_root == Path("/data/visitor")
    assert config.state_dir == Path("/var/lib/nxscribe/id16a")
    assert (config.tango.host, config.tango.server) == ("", "nxscribe/id16a")
    assert config.tango.devices == ("id16a/nxscribe/main",)
    assert config.files.layout is Layout.LINKED
    assert (config.limits.deadline_s, config.limits.attribute_timeout_s) == (1.5, None)
    assert not config.refuse_on_missing_mandatory
    assert config.logging.format is LogFormat.CONSOLE
    assert config.techniques["tomo"].definition == tmp_path / "definitions" / "tomo.xml"
    assert config.techniques["tomo"].location == Location(str(config.file), 3, 14)


def test_the_environment_fills_what_the_config_leaves_out(load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGO_HOST", "orion:10000")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/nxscribe/x:/var/lib/other")
    assert load().tango.host == "orion:10000"
    assert load().state_dir == Path("/var/lib/nxscribe/x")
    assert load("tango: {host: 'lid16a:10000'}\nstate_dir: state\n").tango.host == "lid16a:10000"


@pytest.mark.parametrize("written", ["a:1,b:2", "a:1, B:2", "//a:1,b:2", "tango://a:1,b:2/"])
def test_the_database_may_have_several_servers(load, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    assert load(f"tango: {{host: '{written}'}}\n").tango.host == "a:1,b:2"
    monkeypatch.setenv("TANGO_HOST", written)
    assert load().tango.host == "a:1,b:2"


def test_paths_are_relative_to_the_file_wherever_it_is_read_from(
    write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(HEAD.replace("/data/visitor", "data") + "state_dir: state\n")
    monkeypatch.chdir(tmp_path)
    config = load_config(Path("configs/id16a.yaml"))
    assert config.file == tmp_path / "configs/id16a.yaml"
    assert config.data_root == tmp_path / "configs/data"
    assert config.state_dir == tmp_path / "configs/state"


def test_folders_can_be_replaced(load, tmp_path: Path) -> None:
    config = load().placed(tmp_path / "data", tmp_path / "state")
    assert (config.data_root, config.state_dir) == (tmp_path / "data", tmp_path / "state")
    assert load().placed() == load()


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("a/b/c/d", TangoSource(("a/b/c/d",))),
        ("[a/b/c/d, a/b/c/e]", TangoSource(("a/b/c/d", "a/b/c/e"), is_list=True)),
        ("[a/b/c/d]", TangoSource(("a/b/c/d",), is_list=True)),
        ("{tango: a/b/c/d}", TangoSource(("a/b/c/d",))),
        ("{tango: [a/b/c/d]}", TangoSource(("a/b/c/d",), is_list=True)),
        ("orion:10000/fe/id/16/SR_Current", TangoSource(("orion:10000/fe/id/16/SR_Current",))),
        ("tango://h.esrf.fr:1/a/b/c/d#dbase=no", TangoSource(("tango://h.esrf.fr:1/a/b/c/d#dbase=no",))),
        ("//orion:10000/a/b/c/d", TangoSource(("//orion:10000/a/b/c/d",))),
        ('"a:1,b:2/a/b/c/d"', TangoSource(("a:1,b:2/a/b/c/d",))),
        ("a/b/c/Beam Current", TangoSource(("a/b/c/Beam Current",))),
        ("phi/position", TangoSource(("phi/position",))),
        ("BeamCurrent", TangoSource(("BeamCurrent",))),
        ("{property: phi/Axis}", PropertySource("phi/Axis")),
        ("{value: ESRF}", LiteralSource("ESRF")),
        ("{value: 6}", LiteralSource(6)),
        ("{value: 6.0}", LiteralSource(6.0)),
        ("{value: true}", LiteralSource(True)),
        ("{value: 12:30}", LiteralSource("12:30")),
        ("{value: [1, 2.5]}", LiteralSource((1, 2.5))),
        ("{value: [a, b]}", LiteralSource(("a", "b"))),
        ("{parameter: X}", ParameterSource("X")),
        ('{expression: "12.398 / ${energy}"}', ExpressionSource("12.398 / ${energy}")),
        ("{property: a/b/c/SerialNumber}", PropertySource("a/b/c/SerialNumber")),
    ],
)
def test_each_form_of_a_source(load, written: str, origin: Origin) -> None:
    source = load(f"sources:\n  x: {written}\n").sources["x"]
    assert source.origin == origin
    assert type(getattr(source.origin, "value", None)) is type(getattr(origin, "value", None))
    assert source.location is not None
    assert (source.location.line, source.location.column) == (5, 3)


def test_a_source_carries_its_rules(load) -> None:
    config = load("""\
        sources:
          x: {tango: a/b/c/d, unit: mA, timeout_s: 0.5, max_age_s: 5, default: 1.50, mandatory: true}
    """)
    source = config.sources["x"]
    expected = Source(TangoSource(("a/b/c/d",)), "mA", 0.5, 5.0, "1.50", mandatory=True, location=source.location)
    assert source == expected


def test_techniques_and_detectors(write, tmp_path: Path) -> None:
    config = load_config(
        write("""\
            beamline: id16a
            data_root: /data
            parameters: [TOMO_*]
            detectors:
              pco: {device: id16a/limaccds/pco, group: /instrument/detector01/, dataset: /entry/data}
            techniques:
              tomo:
                definition: tomo.xml
                additions: [mine.xml]
                sources: {y: a/b/c/d}
                parameters: [ref_n]
        """)
    )
    assert config.parameters == ("TOMO_*",)
    tomo = config.techniques["tomo"]
    assert tomo.additions == (tmp_path / "configs/mine.xml",)
    assert tomo.parameters == ("ref_n",)
    assert tomo.sources["y"].origin == TangoSource(("a/b/c/d",))
    place = Location(str(config.file), 5, 3)
    assert config.detectors["pco"] == LimaDetector(
        "pco", "id16a/limaccds/pco", "instrument/detector01", "/entry/data", location=place
    )


def test_the_common_timeout_is_that_of_sources_without_their_own(load) -> None:
    config = load("""\
        limits: {attribute_timeout_s: 0.3}
        detectors: {pco: {device: a/b/c, group: g}}
        sources: {x: a/b/c/d, y: {tango: a/b/c/e, timeout_s: 1}}
    """)
    assert [source.timeout_s for source in config.sources.values()] == [0.3, 1.0]
    assert {source.timeout_s for source in config.detectors["pco"].sources.values()} == {0.3}


def test_sections_with_nothing_below_count_as_absent(load) -> None:
    assert load("sources:\nlogging:\nlimits:\n  deadline_s:\n") == load()


@pytest.mark.parametrize("place", ["zzz:", "limits: {zzz: }", "sources: {x: {tango: a/b/c/d, zzz: }}"])
def test_an_unknown_key_is_told_even_with_nothing_behind_it(problems, place: str) -> None:
    [problem] = problems(f"{HEAD}{place}\n")
    assert "unknown key `zzz`" in problem


def test_what_was_written_twice_hides_nothing(problems) -> None:
    found = problems(f"{HEAD}sources: {{a: 3}}\nlimits: {{deadline: 1}}\nsources: {{a: b, b: {{}}}}\n")
    assert [problem.split("; ")[0] for problem in found] == [
        "id16a.yaml:4:14: error: sources.a should be a mapping of keys to values, not 3",
        "id16a.yaml:5:10: error: unknown key `deadline` in limits",
        "id16a.yaml:6:1: error: 'sources' is written twice",
        "id16a.yaml:6:11: error: 'a' is written twice",
        f"id16a.yaml:6:17: error: sources.b: a source has exactly one of {', '.join(kinds())}",
    ]


def test_an_alias_is_one_mistake(problems) -> None:
    [problem] = problems(f"{HEAD}sources: {{a: *x}}\ndata: ".removesuffix("data: "))
    assert "the alias *x is not allowed" in problem


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(problems) -> None:
    found = problems("""\
        beamlin: id16a
        data_root: 3
        on_missing_mandatory: refuze
        techniques:
          tomo:
            definitio: tomo.xml
        sources:
          a: a b
          b: {tango: [a/b/c/d, 3], uint: mm}
          c: {unit: mm}
          d: {value: {}}
          ${e}: a/b/c/d
        limits: {deadline_s: "2", write_timeout_s: -1}
        detectors: {p.x: {device: a/b/c, group: g}}
        tango: {devices: [a/b]}
    """)
    assert [problem.split("; ")[0] for problem in found] == [
        "id16a.yaml:1:1: error: the config lacks the key `beamline`",
        "id16a.yaml:1:1: error: unknown key `beamlin`",
        "id16a.yaml:2:12: error: data_root should be a text, not 3",
        "id16a.yaml:3:23: error: on_missing_mandatory is 'refuze', not 'warn' or 'refuse'",
        "id16a.yaml:5:3: error: techniques.tomo lacks the key `definition`",
        "id16a.yaml:6:5: error: unknown key `definitio` in techniques.tomo",
        (
            "id16a.yaml:8:6: error: sources.a: 'a b' is not a Tango attribute: `domain/family/member/attribute`, with "
            "`host:port/` before it for a foreign database"
        ),
        "id16a.yaml:9:24: error: sources.b.tango[1] should be a text, not 3",
        "id16a.yaml:9:28: error: unknown key `uint` in sources.b",
        f"id16a.yaml:10:3: error: sources.c: a source has exactly one of {', '.join(kinds())}",
        (
            "id16a.yaml:11:14: error: sources.d.value should be a text, a whole number, a number, true or false or a "
            "list, not a mapping"
        ),
        "id16a.yaml:12:3: error: '${e}' is not a placeholder's bare name, as `energy` for `${energy}`",
        "id16a.yaml:13:22: error: limits.deadline_s should be a number, not '2'",
        "id16a.yaml:13:44: error: limits.write_timeout_s is -1, but should be greater than 0",
        "id16a.yaml:14:13: error: 'p.x' is not a name: letters, digits and `_`, no digit first",
        "id16a.yaml:15:19: error: tango.devices[0]: 'a/b' is not a Tango device: `domain/family/member`",
    ]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("beamlin: x", "`beamline`"), ("tecniques: {}", "`techniques`"), ("on_missing_mandatory: refus", "refuse")],
)
def test_a_misspelt_word_gets_a_suggestion(problems, wrong: str, right: str) -> None:
    assert any(f"did you mean {right}?" in problem for problem in problems(wrong))


def test_an_unknown_key_with_no_likeness_lists_the_known(problems) -> None:
    assert "known here: definition" not in problems(HEAD + "zzz: 1\n")[0]
    assert "beamline, data_root, default_technique, detectors" in problems(HEAD + "zzz: 1\n")[0]


@pytest.mark.parametrize(
    ("pattern", "offset", "reason"),
    [
        ("/data/{proposal}.h5", 0, "is absolute"),
        ("../{proposal}.h5", 0, "leaves the data root"),
        ("{proposal}/../../x.h5", 11, "leaves the data root"),
        ("{proposal}//x.h5", 11, "is empty"),
        ("{propsal}.h5", 0, "unknown part {propsal}"),
        ("{proposal.__class__}.h5", 0, "unknown part {proposal.__class__}"),
        ("x{proposal!r}.h5", 1, "unknown part {proposal}"),
        ("{scan}{}.h5", 6, "unknown part {}"),
        ("{scan:{scan}}.h5", 0, "unknown part {scan}"),
        ("{scan}/{proposal.h5", 7, "cannot be read"),
        (".{proposal}.h5", 0, "begins with '.'"),
    ],
)
@pytest.mark.parametrize("key", ["master", "scan_directory"])
def test_a_pattern_that_cannot_be_a_safe_path_is_refused(
    problems, key: str, pattern: str, offset: int, reason: str
) -> None:
    found = problems(f'{HEAD}files:\n  {key}: "{pattern}"\n')
    assert len(found) == 1
    assert found[0].startswith(f"id16a.yaml:5:{len(key) + 6 + offset}: error: ")
    assert reason in found[0]


def test_every_fault_of_a_pattern_is_told_at_its_column(problems) -> None:
    found = problems(f"{HEAD}files:\n  master: /{{prop}}/{{scan}}/../{{smple}}//.x\n")
    assert [problem.split(": error: ")[0] + problem.split(".x'")[1][:30] for problem in found] == [
        "id16a.yaml:5:11 is absolute; files are laid o",
        "id16a.yaml:5:12 has the unknown part {prop}; ",
        "id16a.yaml:5:26 leaves the data root; `..` is",
        "id16a.yaml:5:29 has the unknown part {smple};",
        "id16a.yaml:5:37 cannot be used: the part is e",
        "id16a.yaml:5:38 cannot be used: the part '",
    ]


def test_every_fault_of_a_pattern_of_raw_files_is_told(problems) -> None:
    found = problems(f"{HEAD}detectors: {{pco: {{files: '{{prop}}/*/../', group: g}}}}\n")
    assert [problem.split(": error: ")[0].removeprefix("id16a.yaml:4:") for problem in found] == [
        "27",
        "34",
        "36",
        "39",
    ]


def test_the_root_of_the_file_system_is_no_folder_for_the_control_systems_files(problems) -> None:
    (found,) = problems(f"{HEAD}files: {{roots: [/bliss, /]}}\n")
    assert found.startswith("id16a.yaml:4:25: error: files.roots.1 is the root of the file system")


def test_where_columns_cannot_be_told_a_fault_stands_at_its_pattern(problems) -> None:
    found = problems(f'{HEAD}files: {{master: "\\u007bprop}}"}}\n')
    assert found[0].startswith("id16a.yaml:4:17: error: the pattern '{prop}' has the unknown part")


def test_devices_are_told_apart_without_regard_to_case(problems) -> None:
    found = problems(HEAD + "tango: {devices: [a/b/c, A/b/C]}\n")
    assert [problem.split("; ")[0] for problem in found] == [
        "id16a.yaml:4:19: error: the device a/b/c is named more than once",
        "id16a.yaml:4:26: error: the device A/b/C is named more than once",
    ]


def test_a_list_of_texts_and_numbers_is_refused(problems) -> None:
    assert "mixes texts, numbers" in problems(HEAD + "sources: {x: {value: [1, a]}}\n")[0]


def test_a_detector_group_that_hdf5_cannot_hold_is_refused(problems) -> None:
    assert "detectors" not in HEAD
    assert "is not a valid name" in problems(HEAD + "detectors: {pco: {device: a/b/c, group: instrument/..}}\n")[0]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_says_how_to_begin(problems, text: str) -> None:
    assert "the config is empty" in problems(text)[0]


@pytest.mark.parametrize("text", ["- a\n", "text\n", "12\n"])
def test_a_file_that_is_no_mapping_is_refused(problems, text: str) -> None:
    assert "the config should be a mapping" in problems(text)[0]


def test_a_broken_file_is_told_by_line_and_column(problems) -> None:
    assert problems("beamline: [id16a\ntechniques: {}\n")[0].startswith("id16a.yaml:1:11: error: not YAML")


def test_yaml_tags_and_aliases_are_refused(problems) -> None:
    assert "tag" in problems(HEAD + "state_dir: !!python/object/apply:os.getcwd []\n")[0]


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"no_such\.yaml' cannot be read; No such file"):
        load_config(tmp_path / "no_such.yaml")


def test_a_folder_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="directory"):
        load_config(tmp_path)


def test_an_age_is_for_tango_attributes(problems) -> None:
    (problem,) = problems(HEAD + "sources: {x: {value: 3, max_age_s: 5}}\n")
    assert "sources.x.max_age_s is for Tango attributes" in problem


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("{source: a/b/c/d}", "tango"),
        ("{Tango: a/b/c/d}", "tango"),
        ("{literal: 5}", "value"),
        ("{tango: a/b/c/d, Units: mm}", "unit"),
        ("{formula: '1 + 1'}", "expression"),
    ],
)
def test_a_word_for_a_key_in_another_language_is_told_once(problems, source: str, key: str) -> None:
    text = f"beamline: b\ndata_root: .\ntechniques: {{t: {{definition: t.xml}}}}\nsources: {{energy: {source}}}\n"
    [problem] = problems(text)
    assert problem.endswith(f"did you mean `{key}`?")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "America/Argentina/Salta"])
def test_a_zone_is_one_of_the_time_zone_database(load, zone: str) -> None:
    config = load(f"time_zone: {zone}")
    assert config.time_zone == config.files.settings.time_zone == zone


@pytest.mark.parametrize(
    ("zone", "remedy"),
    [
        ("Europe/Grenobel", "did you mean Europe/"),
        ("europe/paris", "did you mean Europe/Paris?"),
        ("Europe", "did you mean Europe/"),
        ("../../etc/passwd", "write one such as Europe/Paris, or UTC"),
    ],
)
def test_what_is_no_zone_is_refused_with_one_that_was_meant(problems, zone: str, remedy: str) -> None:
    (problem,) = problems(HEAD + f"time_zone: {zone}\n")
    assert f"{zone!r} is no time zone" in problem
    assert remedy in problem
