"""`gengfu fire probe`: what a line says by each format."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from gateway.site.load import load_configs
from gateway.site.problems import SiteInvalid
from services.cli.fire import app, readings
from services.cli.main import app as gengfu

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
    assert "- {id: …, protocol: jbf293k, port: …}" in result.output
    capture.write_bytes(b"\x01\x02")
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, "no format understands them" in result.output) == (1, True)


def test_a_format_that_only_sees_fire_wording_comes_last_and_is_not_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENGFU_CONFIGS", str(ROOT / "device_configs"))
    monkeypatch.chdir(tmp_path)
    capture = tmp_path / "capture.bin"
    capture.write_bytes(b"FIRE ALARM 1-2 LOBBY\r\n")
    result = CliRunner().invoke(app, ["probe", str(capture), "--lang", "en"])
    assert (result.exit_code, "only fire wording was found" in result.output) == (1, True)
    assert "sources:" not in result.output
    own = FORMATS["afp2800"].model_copy(update={"id": "own"})
    told = sample("afp2800-0") + b"FIRE ALARM 1-2 LOBBY\r\n" * 9
    names = [one.name for one in readings([(0, told)], {**FORMATS, "own": own}, ZoneInfo("UTC"))]
    assert {"own", "afp2800"} == {*names[:2]}
    assert names[-1] == "notifier-3030"


def test_probe_and_check_read_the_settings_own_site_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENGFU_CONFIGS", str(tmp_path / "own"))
    capture = tmp_path / "capture.bin"
    capture.write_bytes(sample("jbf-fire"))
    result = CliRunner().invoke(app, ["probe", str(capture)])
    assert isinstance(result.exception, SiteInvalid), result.output
    result = CliRunner().invoke(gengfu, ["check"])
    assert (result.exit_code, "own" in result.output) == (1, True)
