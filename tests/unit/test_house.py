"""House rules that a script can see."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("gateway", "services", "dashboards")
CODE = (*SOURCES, "benchmarks", "tests", "docs")
MAX_LINES = 450

# Modules that may read the machine's own clock, each with its reason.
OWN_CLOCK: dict[str, str] = {
    "services/kernel/clock.py": "is the clock",
    "gateway/outbox.py": "the default of an argument that tests set",
    "gateway/publish.py": "the default of an argument that tests set",
    "gateway/simulator/run.py": "plays devices, which have clocks of their own; tests hand one in",
}

TEXT_SUFFIXES = {
    "", ".cfg", ".conf", ".css", ".csv", ".html", ".ini", ".j2", ".js", ".json", ".md", ".mjs", ".po", ".pot", ".py",
    ".pyi", ".sh", ".sql", ".svg", ".toml", ".ts", ".txt", ".xml", ".yaml", ".yml",
}  # fmt: skip


def python_files(*tops: str) -> Iterator[Path]:
    for top in tops:
        yield from (file for file in sorted((ROOT / top).rglob("*.py")) if "__pycache__" not in file.parts)


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"), filename=name_of(file))


@cache
def committed_files() -> tuple[Path, ...]:
    """What is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    files = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(file for file in files if file.is_file())


def calls(file: Path, *attributes: str) -> list[str]:
    """`file:line` of every call `something.attribute(…)`."""
    return [
        f"{name_of(file)}:{node.lineno}"
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in attributes
    ]


def test_only_the_kernel_commits() -> None:
    places = [
        place
        for file in python_files("services")
        if name_of(file) != "services/kernel/db.py"
        for place in calls(file, "commit")
    ]
    assert not places, "a service leaves the transaction to its caller: use Database.begin()"


def clock_reads(file: Path) -> list[str]:
    """`file:line` where the machine's wall clock is read: datetime.now, utcnow, today, time.time and its kin."""
    found = []
    for node in ast.walk(tree_of(file)):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name | ast.Attribute):
            continue
        owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        if (owner in ("datetime", "date") and node.attr in ("now", "utcnow", "today")) or (
            owner == "time" and node.attr in ("time", "time_ns", "localtime", "gmtime")
        ):
            found.append(f"{name_of(file)}:{node.lineno}")
    return found


def test_the_clock_is_handed_in() -> None:
    places = [place for file in python_files(*SOURCES) if name_of(file) not in OWN_CLOCK for place in clock_reads(file)]
    assert not places, "take `now` or a Clock as an argument; time.monotonic is for measuring only"


def test_every_exception_from_the_clock_rule_is_used() -> None:
    unused = [name for name in OWN_CLOCK if not clock_reads(ROOT / name)]
    assert not unused


def test_files_stay_short() -> None:
    files = [*python_files(*CODE), *(ROOT / "services").rglob("*.js")]
    lengths = {
        name_of(file): len(file.read_text("utf-8").splitlines())
        for file in files
        if not {"vendor", "versions"} & set(file.parts)
    }
    assert not {name: lines for name, lines in lengths.items() if lines > MAX_LINES}, "split along what they do"


def test_no_file_names_a_machine_or_a_registry() -> None:
    # Put together here so that this file does not match itself.
    paths = "|".join(("work", "farm", "home", "root", "Users"))
    forbidden = re.compile(
        rf"(?<![\w.:/}}-])/(?:{paths})/(?=\w)" + "|index" + r"-url *[= ]|\"resolved\": *\"https?:|/tmp/bash" + "_jobs"
    )
    found = [
        f"{name_of(file)}:{number}: {line.strip()[:100]}"
        for file in committed_files()
        if file.suffix in TEXT_SUFFIXES
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if forbidden.search(line)
    ]
    assert not found


def test_every_module_says_what_it_is() -> None:
    silent = [name_of(file) for file in python_files(*SOURCES) if ast.get_docstring(tree_of(file)) is None]
    assert not silent, "one line: what is in here"


def unit_tests() -> list[Path]:
    return [file for top in SOURCES for file in python_files(f"tests/unit/{top}") if file.name.startswith("test_")]


def mirrors(test: Path) -> bool:
    """Whether a test lies in its package's folder; beside single modules its name starts with the module's."""
    folder = ROOT / test.parent.relative_to(ROOT / "tests" / "unit")
    if folder.parent != ROOT:
        return any(folder.glob("*.py"))
    words = test.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    return any((folder / f"{name}.py").is_file() or (folder / name).is_dir() for name in names)


def test_unit_tests_mirror_the_source() -> None:
    astray = [name_of(test) for test in unit_tests() if not mirrors(test)]
    assert not astray, (
        "tests/unit/gateway/test_outbox_bound.py tests gateway/outbox.py; packages have a folder of their own"
    )


def test_test_folders_are_no_packages() -> None:
    assert not [name_of(file) for file in (ROOT / "tests").rglob("__init__.py")]


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "HACK"])
def test_nothing_is_left_for_later_in_a_comment(word: str) -> None:
    pattern = re.compile(rf"#.*\b{word}\b")
    left = [
        f"{name_of(file)}:{number}"
        for file in python_files(*SOURCES)
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not left, "finish it, or open an issue"


DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def test_every_decision_is_in_the_index_and_numbers_have_no_gap() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert [file.name[:4] for file in DECISIONS] == [f"{number:04d}" for number in range(1, len(DECISIONS) + 1)]
    assert not [file.name for file in DECISIONS if f"]({file.name})" not in index]


@pytest.mark.parametrize("file", DECISIONS, ids=[file.stem for file in DECISIONS])
def test_a_decision_has_its_four_parts_on_one_page(file: Path) -> None:
    text = file.read_text("utf-8")
    assert text.startswith(f"# {file.name[:4]} ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Alternatives"]
    assert len(text.splitlines()) <= 80


def test_what_the_build_reads_is_committed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    hook = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["path"]
    needed = {hook, project["project"]["readme"], *project["project"]["license-files"], "constraints.txt", "Makefile"}
    assert needed <= {name_of(file) for file in committed_files()}, "see .gitignore"
