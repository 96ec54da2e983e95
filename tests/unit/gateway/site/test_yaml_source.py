from pathlib import Path
from typing import Any

import pytest

from gateway.site.problems import Problems
from gateway.site.yaml_source import MAX_BYTES, Document, read_document


def read(tmp_path: Path, text: str | bytes) -> tuple[Document | None, Problems]:
    problems = Problems()
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path, "file.yaml", problems), problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("0.45", 0.45),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        # What YAML 1.1 would turn into something nobody meant stays text.
        ("no", "no"),
        ("on", "on"),
        ("010", "010"),
        ("12:30", "12:30"),
        ("2026-11-21", "2026-11-21"),
        (".inf", ".inf"),
        ("0x10", "0x10"),
        ("10s", "10s"),
    ],
)
def test_scalars_mean_what_they_look_like(tmp_path: Path, text: str, value: Any) -> None:
    document, problems = read(tmp_path, f"key: {text}\n")
    assert document is not None
    assert document.data == {"key": value}
    assert type(document.data["key"]) is type(value)
    assert not len(problems)


def test_lines_of_everything_are_known(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "a:\n  - b: 1\n    c:\n      - x\n      - y\n\n  - b: 2\n")
    assert document is not None
    assert document.at("a", 0, "c", 1).line == 5
    assert document.at("a", 1, "b").line == 7
    assert document.at("a", 1, "missing").line == 7
    assert document.at("a", 1, "b").place == "a[1].b"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: [1, 2\nb: 3\n", "yaml_syntax", 2),
        ("a: 1\n\tb: 2\n", "yaml_syntax", 2),
        ("a: 1\nb: \x01\n", "yaml_syntax", 2),
        ("a: 1\na: 2\n", "duplicate_key", 2),
        ("a: !!python/object/apply:os.system ['true']\n", "yaml_tag", 1),
        ("a: !secret x\n", "yaml_tag", 1),
        ("a: &x [1]\nb: *x\n", "yaml_alias", 1),
        ("a: 1\n---\nb: 2\n", "yaml_documents", 2),
        ("? [1, 2]\n: 3\n", "yaml_key", 1),
        ("a: " + "[" * 200 + "]" * 200, "yaml_depth", 1),
        ("a: " + "[" * 100_000, "yaml_depth", 1),
        ("", "yaml_empty", 1),
        ("# only a comment\n", "yaml_empty", 1),
        (b"a: \xff\n", "not_utf8", None),
        (b"#" * (MAX_BYTES + 1), "file_too_big", None),
    ],
)
def test_each_bad_file_has_its_own_error(tmp_path: Path, text: str | bytes, code: str, line: int | None) -> None:
    _, problems = read(tmp_path, text)
    assert [(one.code, one.line) for one in problems.sorted()] == [(code, line)]


def test_a_tag_is_never_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    read(tmp_path, f"a: !!python/object/apply:pathlib.Path.touch [{marker}]\n")
    assert not marker.exists()


def test_the_values_of_a_duplicate_key_do_not_replace_the_first(tmp_path: Path) -> None:
    document, problems = read(tmp_path, "a: {b: 1}\na: {b: 2, c: 3}\nd: 4\n")
    assert document is not None
    assert document.data == {"a": {"b": 1}, "d": 4}
    assert len(problems) == 1


def test_an_unreadable_file_is_a_problem(tmp_path: Path) -> None:
    problems = Problems()
    assert read_document(tmp_path, "dir.yaml", problems) is None
    assert problems.sorted()[0].code == "file_unreadable"


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    document, problems = read(tmp_path, b"\xef\xbb\xbfa: 1\n")
    assert document is not None
    assert document.data == {"a": 1}
    assert not len(problems)
