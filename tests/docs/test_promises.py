"""What the documentation names exists: commands and options, keys of the config, modules and files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import typer.main

from nxscribe.cli._app import app
from nxscribe.cli._trigger_commands import TRIGGERS, trigger_parser

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]
CODE = re.compile(r"``?([^`\n]+)``?")
COMMAND = re.compile(r"(?:^|[\s/])nxscribe ([a-z]+(?: [a-z]+(?=\s|$))?)(.*)")
TANGO_MODULES = {"tango.databaseds"}
SECTIONS = re.compile(r"(limits|files|tango|logging|http)\.((?!py$)[a-z_]+)")


def commands() -> dict[str, click.Command]:
    """Each command by its words: `records list`."""
    found: dict[str, click.Command] = {}

    def add(words: str, command: Any) -> None:
        found[words] = command
        for name, below in getattr(command, "commands", {}).items():
            add(f"{words} {name}".strip(), below)

    add("", typer.main.get_command(app))
    return found


def typed(text: str) -> Iterator[str]:
    """What stands as code in a page: within a line, and in blocks of a terminal."""
    for block in re.findall(r"^```(?:console|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from (line.split("#")[0] for line in block.splitlines() if line.startswith(("$ ", "exec ")))
    yield from CODE.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def test_every_command_and_option_of_a_page_exists() -> None:
    known, wrong, count = commands(), [], 0
    for page in PAGES:
        for line in typed(page.read_text()):
            for words, rest in (found.groups() for part in re.split(r"[|;]", line) if (found := COMMAND.search(part))):
                first = words.split()[0]
                command = known.get(words) or known.get(first)
                count += 1
                if command is None:
                    wrong.append(f"{page.name}: nxscribe {words}")
                    continue
                options = {one for parameter in command.params for one in parameter.opts + parameter.secondary_opts}
                if command.name in TRIGGERS:
                    options |= set(trigger_parser(command.name)._option_string_actions)
                used = re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", rest)
                wrong += [f"{page.name}: nxscribe {words} {one}" for one in used if one not in {*options, "--help"}]
    assert count > 60
    assert wrong == []


def test_the_page_about_the_command_line_lists_every_command() -> None:
    page = (TOP / "docs/reference/command-line.md").read_text()
    rows = re.findall(r"^\| `([a-z]+)", page, re.MULTILINE)
    names = {words.split()[0] for words, command in commands().items() if words and not command.hidden}
    assert names - {"status"} <= set(rows)  # `status` stands beside `scan`


def test_every_key_of_the_config_in_a_page_exists() -> None:
    schema = json.loads((TOP / "schemas/config.schema.json").read_text())

    def keys(section: str) -> set[str]:
        node = schema["properties"][section]
        while "$ref" in node or "anyOf" in node or "allOf" in node:
            reference = node.get("$ref") or next(
                one["$ref"] for one in node.get("anyOf", node.get("allOf", [])) if "$ref" in one
            )
            node = schema["$defs"][reference.rsplit("/", 1)[1]]
        return set(node["properties"])

    wrong, count = [], 0
    for page in PAGES:
        for code in CODE.findall(page.read_text()):
            if code not in TANGO_MODULES and (found := SECTIONS.fullmatch(code)):
                count += 1
                if found[2] not in keys(found[1]):
                    wrong.append(f"{page.name}: {code}")
    assert count > 25
    assert wrong == []


def test_every_file_of_the_source_that_a_page_names_exists() -> None:
    folders = (
        "docs",
        "tests",
        "benchmarks",
        "schemas",
        "findings",
        "systemd",
        "definitions",
        "configs",
        "requirements",
    )
    wrong = []
    for page in PAGES:
        for code in CODE.findall(page.read_text()):
            path = code.split()[-1]
            if re.fullmatch(rf"(?:{'|'.join(folders)})/[\w./@-]+\.(?:py|md|xml|yaml|sh|service|json|lock)", path):
                wrong += [] if (TOP / path).exists() else [f"{page.name}: {path}"]
            elif re.fullmatch(r"(?:nxscribe|service|records|capture|projections|sources)/[\w/]+\.py", path):
                wrong += (
                    [] if (TOP / "src/nxscribe" / path.removeprefix("nxscribe/")).exists() else [f"{page.name}: {path}"]
                )
    assert wrong == []


def test_every_executable_is_in_the_reference_of_the_command_line() -> None:
    scripts = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["scripts"]
    page = (TOP / "docs/reference/command-line.md").read_text()
    assert [name for name in scripts if f"`{name} " not in page] == []


def test_every_integration_is_found_by_who_looks_for_a_control_system() -> None:
    folder = TOP / "docs/how-to"
    pages = {
        page.name
        for page in folder.glob("*.md")
        if re.search(r"nxscribe\.integrations|nxscribe-metadata-manager", page.read_text())
    }
    assert len(pages) > 5
    for where in (TOP / "README.md", TOP / "docs/README.md", folder / "drive-from-a-control-system.md"):
        linked = {Path(link).name for link in re.findall(r"\]\(([^)#]+\.md)", where.read_text())}
        assert pages - linked == set(), where
