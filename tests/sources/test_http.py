"""JSON over HTTP as a source: a real server on this machine that is quick, slow, wrong, or not there."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from daemons import wait_until
from json_server import JsonServer, json_server

from nxscribe.capture import Capturer, SourceReader
from nxscribe.errors import InputError
from nxscribe.model import Definition, Field, Group, Phase, Reading, Template
from nxscribe.plan import CapturePlan, Source, compile_plan
from nxscribe.service.check._examine_live import examine_live
from nxscribe.service.config import examine_config
from nxscribe.sources import kinds
from nxscribe.sources.kinds.http import HttpSettings, HttpSource

SCAN = {"proposal": "ma5432", "beamline": "id16a", "sample": "bone 3/a", "scan": "s1", "technique": "tomo"}
TITLE = "/proposals/ma5432"
Read = Callable[..., Reading]


@pytest.fixture
def server() -> Iterator[JsonServer]:
    with json_server() as server:
        server.documents[TITLE] = {
            "title": "Bone growth",
            "team": [{"name": "Ada", "days": 3}, {"name": "Émile", "days": 2}],
            "shifts": 18,
            "rate": 0.25,
            "is_open": True,
            "empty": None,
            "none": [],
            "mixed": ["a", 1],
        }
        yield server


@pytest.fixture
def read(server: JsonServer) -> Iterator[Read]:
    """Read one value at a path of a document, as a scan does."""
    readers: list[SourceReader] = []

    def read(path: str, url: str = "/proposals/{proposal}", *, deadline_s: float = 2.0, **settings: object) -> Reading:
        if not readers:
            readers.append(SourceReader({"http": HttpSettings(**{"hosts": (server.host,), **settings})}))
        origin = HttpSource(url if "://" in url else server.url + url, path)
        request = readers[0].request(origin.items)
        found = readers[0].ask(request, time.monotonic() + deadline_s, scan=SCAN)
        return origin.value([found[item] for item in origin.items])

    yield read
    for reader in readers:
        reader.close()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", "Bone growth"),
        ("team[*].name", ["Ada", "Émile"]),
        ("team[?days > `2`].name | [0]", "Ada"),
        ("join(', ', team[*].name)", "Ada, Émile"),
        ("team[*].days", [3, 2]),
        ("shifts", 18),
        ("rate", 0.25),
        ("is_open", True),
    ],
)
def test_a_value_at_a_path_keeps_its_type(read: Read, path: str, value: object) -> None:
    reading = read(path)
    assert reading.ok, reading.error
    assert reading.value.tolist() == value
    assert reading.value.dtype.kind == np.asarray(value).dtype.kind or isinstance(value, str | list)


def test_the_reading_says_from_which_document_and_where_in_it(read: Read, server: JsonServer) -> None:
    assert read("title").source == f"{server.url}{TITLE} title"


def test_the_scans_names_are_one_part_of_the_path_whatever_they_hold(read: Read, server: JsonServer) -> None:
    server.documents["/tracking/bone%203%2Fa?beamline=id16a"] = {"shelf": 4}
    assert read("shelf", "/tracking/{sample}?beamline={beamline}").value == 4


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("titel", "the answer has nothing there; it has the keys title, team, shifts"),
        ("empty", "nothing there"),
        ("none", "an empty list"),
        ("team[0]", "an object there, with the keys name, days"),
        ("team", "neither texts nor numbers"),
        ("mixed", "text"),
        ("abs(title)", "does not fit"),
    ],
)
def test_what_is_not_there_or_no_value_says_what_is_there_instead(read: Read, path: str, words: str) -> None:
    reading = read(path)
    assert not reading.ok
    assert words in reading.error


def test_what_the_server_answers_instead_of_a_document_is_told_and_harms_no_other_document(
    read: Read, server: JsonServer
) -> None:
    server.raw["/html"] = b"<html>please log in</html>"
    server.raw["/latin"] = "Émile".encode("latin-1")
    server.raw["/deep"] = b"[" * 100_000
    server.statuses["/broken"] = 503
    server.statuses["/closed"] = 401
    wanted = {
        "/html": "is not JSON",
        "/latin": "is not UTF-8 text",
        "/deep": "is not JSON",
        "/broken": "503 Service Unavailable",
        "/closed": "401 Unauthorized; give the host a token",
        "/missing": "404 Not Found; see whether the server knows this proposal",
    }
    for path, words in wanted.items():
        reading = read("", path)
        assert not reading.ok
        assert words in reading.error
    assert read("title").ok


def test_an_answer_that_is_too_long_is_refused(read: Read, server: JsonServer) -> None:
    server.documents["/long"] = "x" * 5000
    assert "longer than 4 kB; ask for less, or raise http.max_kb" in read("", "/long", max_bytes=4000).error


def test_a_redirect_is_followed_within_its_host_and_to_no_other(read: Read, server: JsonServer) -> None:
    with json_server() as other:
        other.documents["/stolen"] = "here"
        server.redirects |= {"/moved": TITLE, "/away": f"{other.url}/stolen", "/round": "/round"}
        assert read("title", "/moved").value == "Bone growth"
        assert "redirects to another server" in read("", "/away").error
        assert "more than 3 times" in read("", "/round").error
        assert other.asked == []


def test_a_host_that_the_config_does_not_list_is_never_asked(read: Read) -> None:
    with json_server() as other:
        other.documents["/x"] = 1
        assert f"{other.host} may not be asked; the config lists 127.0.0.1" in read("", f"{other.url}/x").error
        assert other.asked == []


def test_a_slow_server_costs_the_deadline_once_and_is_well_when_it_answers_again(
    read: Read, server: JsonServer
) -> None:
    server.delay_s = 1.0
    begun = time.monotonic()
    assert "did not answer" in read("title", deadline_s=0.3).error
    assert "its server has been failing since" in read("title", deadline_s=5.0).error
    assert time.monotonic() - begun < 0.9
    server.delay_s = 0.0
    wait_until(lambda: read("title").ok, "it is read again")


def test_a_server_that_sends_its_answer_byte_by_byte_is_not_waited_for_longer(read: Read, server: JsonServer) -> None:
    server.drip_s = 0.05
    begun = time.monotonic()
    assert not read("title", deadline_s=0.3).ok
    assert time.monotonic() - begun < 0.8


def test_a_server_that_is_down_says_so(read: Read) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    assert "nothing accepts connections there" in read("", f"http://{host}/x", hosts=(host,)).error


def test_a_token_is_sent_to_its_host_alone_and_stands_in_no_message(
    read: Read, server: JsonServer, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    server.redirects["/moved"] = TITLE
    server.statuses["/closed"] = 403
    settings = {"token_files": ((server.host, token),)}
    assert read("title", "/moved", **settings).ok
    assert {authorization for _, authorization in server.asked} == {"Bearer s3cret"}
    assert "s3cret" not in read("", "/closed").error
    token.write_text("no token: å\n")
    assert "holds no token" in read("title").error
    token.unlink()
    assert f"its token cannot be read from {token}: No such file" in read("title").error


def plan_of(url: str, path: str, max_age_s: float | None = None) -> CapturePlan:
    definition = Definition(
        "any", Group("${entry}", "NXentry", (Field("title", Template("${title}"), "NX_CHAR"),)), "0" * 64
    )
    return compile_plan(definition, {"title": Source(HttpSource(url, path), max_age_s=max_age_s)})[0]


def test_a_value_young_enough_is_not_asked_for_again_in_its_proposal(server: JsonServer) -> None:
    server.documents["/proposals/other"] = {"title": "Other"}
    plan = plan_of(f"{server.url}/proposals/{{proposal}}", "title", max_age_s=600.0)
    with SourceReader({"http": HttpSettings((server.host,))}) as reader:
        reader.configure(plan.items, dict.fromkeys(plan.items, 600.0))
        capturer = Capturer(reader)

        def title(proposal: str) -> Reading:
            scan = {**SCAN, "proposal": proposal}
            return capturer.capture(plan, Phase.INITIAL, given={}, had={}, deadline_s=2.0, scan=scan).readings["title"]

        assert "age" not in title("ma5432").details
        remembered = title("ma5432")
        assert remembered.value == "Bone growth"
        assert "age" in remembered.details
        other = title("other")
        assert other.value == "Other"
        assert "age" not in other.details


def test_several_values_of_one_document_are_one_request(server: JsonServer) -> None:
    origins = [HttpSource(f"{server.url}{TITLE}", path) for path in ("title", "shifts", "team[*].name")]
    with SourceReader({"http": HttpSettings((server.host,))}) as reader:
        found = reader.ask(reader.request(item for one in origins for item in one.items), time.monotonic() + 2)
    assert all(one.value([found[item] for item in one.items]).ok for one in origins)
    assert len(server.asked) == 1


CONFIG = """
beamline: sim
data_root: data
techniques: {{tomo: {{definition: tomo.xml}}}}
http: {http}
sources: {{title: {source}}}
"""


def problems_of(folder: Path, source: str, http: str = "{hosts: [scicat.eu, 'lims:8080']}") -> list[str]:
    (folder / "sim.yaml").write_text(CONFIG.format(source=source, http=http))
    return [str(problem) for problem in examine_config(folder / "sim.yaml").problems]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{http: {url: 'https://elsewhere.eu/x'}}", "elsewhere.eu may not be asked; the config lists scicat.eu"),
        ("{http: {url: 'https://scicat.eu:8443/x'}}", "scicat.eu:8443 may not be asked"),
        ("{http: {url: 'http://lims/x'}}", "lims may not be asked"),
        ("{http: {url: 'ftp://scicat.eu/x'}}", "does not begin with http"),
        ("{http: {url: 'https://me:pw@scicat.eu/x'}}", "holds a user's name or a password"),
        ("{http: {url: 'https://{proposal}/x'}}", "has a name of the scan in its host"),
        ("{http: {url: 'https://scicat.eu/{prop}'}}", "has {prop} in it; a scan has the names {proposal}"),
        ("{http: {url: 'https://scicat.eu/{proposal.__class__}'}}", "has {proposal.__class__} in it"),
        ("{http: {url: 'https://scicat.eu/{'}}", "is not a URL"),
        ("{http: {url: 'https://scicat.eu/x', path: 'a['}}", "is not a JMESPath expression"),
        ("{http: {path: title}}", "sources.title.http lacks the key `url`"),
        ("{http: {url: 'https://scicat.eu/x', pth: title}}", "did you mean `path`?"),
        ("{http: 'https://scicat.eu/x'}", "sources.title.http should be a mapping"),
    ],
)
def test_what_is_wrong_with_a_source_is_told_with_its_line(tmp_path: Path, source: str, words: str) -> None:
    found = problems_of(tmp_path, source)
    assert any(words in problem and "sim.yaml:6" in problem for problem in found), found


@pytest.mark.parametrize("url", ["https://scicat.eu/x", "http://scicat.eu/{proposal}?s={sample}", "http://LIMS:8080/"])
def test_a_right_source_is_right(tmp_path: Path, url: str) -> None:
    assert problems_of(tmp_path, f"{{http: {{url: '{url}'}}, max_age_s: 600}}") == []


def test_a_token_does_not_go_over_a_line_that_all_can_read(tmp_path: Path) -> None:
    http = "{hosts: [scicat.eu], token_files: {scicat.eu: token}}"
    assert problems_of(tmp_path, "{http: {url: 'https://scicat.eu/x'}}", http) == []
    (problem,) = problems_of(tmp_path, "{http: {url: 'http://scicat.eu/x'}}", http)
    assert "its token would be sent for all to read" in problem
    with pytest.raises(InputError):
        kinds()["http"].connector(HttpSettings(("scicat.eu",), (("scicat.eu", tmp_path),))).address(
            "http://scicat.eu/x"
        )


def test_a_live_check_asks_what_depends_on_no_scan(server: JsonServer) -> None:
    settings = {"http": HttpSettings((server.host,))}
    assert examine_live(settings, (plan_of(f"{server.url}/proposals/{{proposal}}", "title"),)) == ()
    assert server.asked == []
    assert examine_live(settings, (plan_of(f"{server.url}{TITLE}", "title"),)) == ()
    (problem,) = examine_live(settings, (plan_of(f"{server.url}/missing", "title"),))
    assert "404 Not Found" in str(problem)


def test_the_how_to_is_a_config_that_is_right(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "values-from-a-web-server.md"
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    base = "beamline: sim\ndata_root: data\ntechniques: {tomo: {definition: tomo.xml}}\n"
    (tmp_path / "sim.yaml").write_text(base + "".join(blocks))
    assert examine_config(tmp_path / "sim.yaml").problems == ()
