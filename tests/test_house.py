"""The promises of the house that no linter keeps: sizes, single importers, forbidden words."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
ROOMS = ("domain", "storage", "gateways", "runtime", "actors", "web", "vasset")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
IMPORTERS = {
    "yt_dlp": {
        f"gateways/ytdlp/{name}.py" for name in ("adjustments", "child", "hls", "postprocessing")
    },
    "databases": {"storage/db.py"},
    "asyncpg": {"storage/connections.py"},
    "pika": {"actors/broker.py"},
}
FORBIDDEN_NAMES = re.compile(r"(Manager|Helper|Utils?|Handler|Processor)$|^(data|info)$")


def files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (TOP / folder).rglob("*.py"))


def name_of(file: Path) -> str:
    return str(file.relative_to(TOP))


def nodes(file: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def imports(file: Path) -> set[str]:
    modules: set[str] = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return modules


@pytest.mark.parametrize("file", files(*ROOMS, "tests", "benchmarks"), ids=name_of)
def test_a_file_holds_one_noun(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


def test_a_file_of_the_page_holds_one_noun_too() -> None:
    static = sorted((TOP / "web/page/static").glob("*.js"))

    long = [
        name_of(file)
        for file in static
        if len(file.read_text(encoding="utf-8").splitlines()) > MAX_FILE_LINES
    ]

    assert static
    assert long == []


@pytest.mark.parametrize("file", files(*ROOMS), ids=name_of)
def test_a_function_is_read_in_one_look(file: Path) -> None:
    long = [
        node.name
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    ]

    assert long == []


@pytest.mark.parametrize("file", files(*ROOMS), ids=name_of)
def test_names_say_more_than_that_something_is_handled(file: Path) -> None:
    names = [
        node.name
        for node in nodes(file)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert [name for name in names if FORBIDDEN_NAMES.search(name)] == []


@pytest.mark.parametrize(("library", "homes"), IMPORTERS.items())
def test_a_difficult_library_has_few_doors(library: str, homes: set[str]) -> None:
    importers = {
        name_of(file)
        for file in files(*ROOMS)
        if any(module.split(".")[0] == library for module in imports(file))
    }

    assert importers == homes


def test_the_domain_needs_the_standard_library_alone() -> None:

    foreign = {
        module
        for file in files("domain")
        for module in imports(file)
        if module.split(".")[0] not in {*sys.stdlib_module_names, "domain"}
    }

    assert foreign == set()


def test_the_domain_has_no_clock_and_opens_nothing() -> None:
    modules = {module for file in files("domain") for module in imports(file)}

    assert not modules & {"time", "os", "socket", "random", "asyncio", "subprocess"}


@pytest.mark.parametrize("file", files(*ROOMS), ids=name_of)
def test_every_failure_is_caught_blindly_only_where_it_is_settled(file: Path) -> None:
    blind = [
        node.lineno
        for node in nodes(file)
        if isinstance(node, ast.ExceptHandler)
        and isinstance(node.type, ast.Name)
        and node.type.id in ("Exception", "BaseException")
    ]

    # Where a stage, a request or a child ends, whatever it met must be told.
    ends = ("actors/stage.py", "web/problems.py", "gateways/ytdlp/child.py")
    assert not blind or name_of(file) in ends


@pytest.mark.parametrize("file", files(*ROOMS), ids=name_of)
def test_nothing_dangerous_is_switched_on(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert not re.search(r"shell=True|verify=False|nocheckcertificate|\bpickle\b|\beval\(\"", text)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    reasons = (TOP / "docs/decisions/0002-dependencies.md").read_text(encoding="utf-8")
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]

    missing = [
        name
        for requirement in wanted
        if (name := re.split(r"[\[<>=]", requirement)[0]) not in reasons
    ]

    assert missing == []


def test_every_decision_that_the_code_cites_is_written() -> None:
    cited = {
        match
        for file in files(*ROOMS)
        for match in re.findall(r"docs/decisions/[\w-]+\.md", file.read_text(encoding="utf-8"))
    }

    assert [name for name in cited if not (TOP / name).exists()] == []
