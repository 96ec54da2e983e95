"""Whatever is in the files, the loader answers with SiteInvalid or a configuration; never with anything else."""

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.site.load import load_configs
from gateway.site.problems import SiteInvalid, format_problems

from .conftest import FILES, FIRE_FILES, SiteFiles

WORDS = [
    "id", "none", "limits", "points", "{}", "[]", "[1]", "- x", ": ", "null", "1", "-1", "0.5", "true", "10s", "&a",
    "*a", "!!x", "'", '"', "\t", "\n", "pressure", "manager", "NUM-01", "…", "#", "{a: {b: 1}}", "1e999", "9" * 30,
]  # fmt: skip


def attempt(root: Path) -> None:
    problems = []
    try:
        load_configs(root)
    except SiteInvalid as error:
        problems = error.problems
    assert format_problems(problems, "zh")
    assert format_problems(problems, "en")


@given(file=st.sampled_from(sorted(FILES)), seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_spoilt_files(file: str, seed: int) -> None:
    chance = random.Random(seed)
    text = FILES[file]
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text) + 1)
        text = text[:start] + chance.choice(WORDS) + text[start + chance.choice([0, 0, 1, 5, 20]) :]
    with tempfile.TemporaryDirectory() as directory:
        files = SiteFiles(Path(directory))
        files.write(file, text)
        attempt(files.root)


@given(file=st.sampled_from(sorted(FILES)), seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_spoilt_values(file: str, seed: int) -> None:
    chance = random.Random(seed)
    lines = FILES[file].splitlines()
    at = chance.randrange(len(lines))
    key, colon, _ = lines[at].partition(":")
    lines[at] = f"{key}{colon} {chance.choice(WORDS)}"
    with tempfile.TemporaryDirectory() as directory:
        files = SiteFiles(Path(directory))
        files.write(file, "\n".join(lines) + "\n")
        attempt(files.root)


OPTIONAL = ["patrol/packs.yaml", "sites/demo/patrol.yaml", "sites/demo/fire.yaml", "fire/lines.yaml"]


@given(file=st.sampled_from(OPTIONAL), seed=st.integers(0, 2**32))
@settings(max_examples=90, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_spoilt_patrol_and_fire(file: str, seed: int) -> None:
    chance = random.Random(seed)
    text = FIRE_FILES[file]
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text) + 1)
        text = text[:start] + chance.choice(WORDS) + text[start + chance.choice([0, 0, 1, 5, 20]) :]
    with tempfile.TemporaryDirectory() as directory:
        files = SiteFiles(Path(directory))
        for name, good in FIRE_FILES.items():
            files.write(name, good)
        files.write(file, text)
        attempt(files.root)


@pytest.mark.parametrize("file", sorted(FILES))
@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", "a: b", "limits:", "points: {}", "id: 5", "\x00", "policies: [1, {}]"]
)
def test_useless_files(site_files: SiteFiles, file: str, text: str) -> None:
    site_files.write(file, text)
    attempt(site_files.root)
