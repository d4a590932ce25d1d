"""Each module and each class of the package has a name of its own, and a module's name tells who may import it."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src"
MODULES = sorted(SOURCES.rglob("*.py"))


def test_no_module_has_the_name_of_another() -> None:
    names = Counter(path.stem.lstrip("_") for path in MODULES if not path.stem.startswith("__"))
    assert len(names) > 100
    assert [name for name, often in names.items() if often > 1] == []


def test_no_class_has_the_name_of_another() -> None:
    trees = [ast.parse(path.read_text()) for path in MODULES]
    names = Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert len(names) > 100
    assert [name for name, often in names.items() if often > 1] == []


def dotted(path: Path) -> str:
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(path: Path) -> Iterator[str]:
    """What a module may have imported: the modules that it names, and the names that it takes from them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_a_module_is_private_exactly_when_its_own_package_alone_imports_it() -> None:
    """What nobody imports is a program that is run or a kind that is registered: its name is public, too."""
    importers: dict[str, set[str]] = defaultdict(set)
    for path in MODULES:
        for name in imported_by(path):
            importers[name].add(dotted(path))
    wrong = {}
    for path in MODULES:
        package, _, name = dotted(path).rpartition(".")
        if path.stem.startswith("__") or package == "nxscribe":
            continue
        users = importers[dotted(path)]
        others = {user for user in users if f"{user}.".removeprefix(f"{package}.") == f"{user}."}
        if name.startswith("_") != (bool(users) and not others):
            wrong[dotted(path)] = sorted(others)
    assert wrong == {}


FOUND_BY_FOLDER = {"nxscribe.sources.kinds", "nxscribe.projections.nexus.raw.formats"}
"""Packages whose modules are found without a list, so that a new one changes no other file."""


def test_the_docstring_of_a_package_names_its_public_modules_and_no_others() -> None:
    wrong = {}
    for path in MODULES:
        package = dotted(path)
        if path.name != "__init__.py" or package in FOUND_BY_FOLDER:
            continue
        inside = {one.stem for one in path.parent.iterdir() if one.suffix == ".py" or (one / "__init__.py").exists()}
        public = {name for name in inside if not name.startswith("_")}
        listed = re.findall(r"^- (`.*?):", ast.get_docstring(ast.parse(path.read_text())) or "", re.MULTILINE)
        named = {name for line in listed for name in re.findall(r"`(\w+)`", line)}
        if named != public:
            wrong[package] = sorted(named ^ public)
    assert wrong == {}
