"""`nxscribe convert`: writes a definition file in the other dialect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def convert(
    definition: Annotated[Path, typer.Argument(help="The definition file, .xml or .yaml.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write, .xml or .yaml; else standard output.")
    ] = None,
) -> None:
    """Write a definition file in the other dialect: XML as YAML, YAML as XML.

    The content stays the same, and includes stay includes. Comments are lost, because they are not part of the content.
    """
    from nxscribe.cli._problem_view import print_problems
    from nxscribe.definitions import read_definition, to_xml, to_yaml
    from nxscribe.errors import InputError, Location, Problem

    writers = {".xml": to_xml, ".yaml": to_yaml, ".yml": to_yaml}
    document = read_definition(definition)
    print_problems(document.warnings)
    if output is None:
        other = to_yaml if definition.suffix.lower() == ".xml" else to_xml
        sys.stdout.write(other(document))
        return
    if output.suffix.lower() not in writers:
        raise InputError(Problem(f"{output.name} is of no known dialect", "", "name it .xml or .yaml"))
    if output.exists() and output.samefile(definition):
        raise InputError(Problem("the output is the input", "its comments would be lost", "name another file"))
    try:
        output.write_text(writers[output.suffix.lower()](document), encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        raise InputError(Problem(f"{output} cannot be written", why, "", Location(str(output)))) from error
