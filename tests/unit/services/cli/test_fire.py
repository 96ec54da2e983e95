"""`gengfu fire probe`: what a line says by each format."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from gateway.site.load import load_configs
from services.cli.fire import app, readings

ROOT = Path(__file__).parents[4]
FORMATS = load_configs(ROOT / "device_configs").fire_formats
SAMPLES: dict[str, dict[str, Any]] = {
    one["id"]: one for one in json.loads((ROOT / "tests" / "fixtures" / "fire_panels.json").read_text("utf-8"))
}


def sample(name: str) -> bytes:
    one = SAMPLES[name]
    return bytes.fromhex(one["hex"]) if "hex" in one else str(one["text"]).encode() + b"\r\n"


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("gst9000-prt-fire", "gst9000-printer"),
        ("afp2800-0", "afp2800"),
        ("nfs640-trouble", "notifier-640"),
        ("jbf-fire", "jbf293k"),
    ],
)
def test_the_format_that_understands_most_comes_first(name: str, protocol: str) -> None:
    found = readings([(0, sample(name))], FORMATS, ZoneInfo("UTC"))
    assert found[0].name == protocol


def test_a_capture_is_shown_with_the_line_for_the_site_files(tmp_path: Path) -> None:
    capture = tmp_path / "capture.bin"
    capture.write_bytes(sample("jbf-fire"))
    arguments = ["probe", str(capture), "--configs", str(ROOT / "device_configs"), "--lang", "en"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "8-155 [fire]" in result.output
    assert "protocol: jbf293k" in result.output
    capture.write_bytes(b"\x01\x02")
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, "no format understands them" in result.output) == (1, True)
