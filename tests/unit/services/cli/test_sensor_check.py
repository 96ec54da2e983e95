"""`gengfu check` replays the samples of every profile: it says which differ and how, and shows what they become."""

import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from gateway.decode.samples import differences, disproofs, replay
from gateway.site.load import load_configs
from gateway.site.profile import Expected
from services.cli import site
from services.cli.main import app

SHIPPED = Path(__file__).parents[4] / "device_configs"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return shutil.copytree(SHIPPED, tmp_path / "configs")


def check(root: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["check", str(root), "--month", "2026-12", *options])


def change(root: Path, name: str, old: str, new: str) -> None:
    file = root / name
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize("profile", load_configs(SHIPPED).profiles.values(), ids=lambda one: one.id)
def test_every_shipped_profile_does_what_its_samples_say(profile: object) -> None:
    assert disproofs(profile) == []  # type: ignore[arg-type]
    assert any(replay(profile))  # type: ignore[arg-type]


def test_a_sample_that_becomes_something_else_fails_the_check(copied: Path) -> None:
    change(copied, "profiles/rs485-pressure.yaml", "pressure: 7.25", "pressure: 7.5")
    change(copied, "profiles/door-contact.yaml", "values: {contact: 0}}", "values: {contact: 1}, key: x}")
    shown = check(copied, "--lang", "en")
    assert shown.exit_code == 1
    assert "✗ the profile rs485-pressure does not do what its samples say" in shown.output
    assert "sample 1, event 1: values.pressure is 7.25, should be 7.5" in shown.output
    assert "sample 1, event 1: values.contact is 0, should be 1" in shown.output
    assert "sample 1, event 1: key is nothing, should be x" in shown.output
    assert "样例 1 第 1 条：values.pressure 是 7.25，应为 7.5" in check(copied).output


def test_a_sample_that_says_more_or_less_fails_too(copied: Path) -> None:
    change(copied, "profiles/rs485-pressure.yaml", "- values: {pressure: 7.25, temperature: 21.5}", "[]")
    assert "sample 1: becomes 1 events, should become 0" in check(copied, "--lang", "en").output


def test_a_sample_that_cannot_be_read_is_no_crash(copied: Path) -> None:
    change(copied, "profiles/sparkplug.yaml", 'payload: "hex:', 'payload: "hex:zz')
    shown = check(copied, "--lang", "en")
    assert shown.exit_code == 1
    assert "cannot be replayed" in shown.output


def test_samples_are_shown_with_what_they_become(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "out", Console(highlight=False, width=240))
    shown = check(SHIPPED, "--samples", "--lang", "en")
    text = " ".join(shown.output.split())
    assert shown.exit_code == 0
    assert "samples proven" in text
    assert "pressure 7.25 bar · temperature 21.5" in text
    assert "electrical" in text
    assert "refused pressure" in text
    assert "ready-made devices: 8, points" in text
    assert "temperature 21.5" not in check(SHIPPED).output


def test_devices_without_a_point_and_idle_lines_are_named(copied: Path) -> None:
    change(copied, "sites/yunhe/sensors.yaml", "buses:\n", "buses:\n  - {id: idle, port: /dev/ttyUSB9}\n")
    change(copied, "sites/yunhe/sensors.yaml", "points: {pressure: sprinkler-end-pressure}", "points: {}")
    shown = check(copied, "--lang", "en").output
    assert "devices without a point (only whether they are there): sprinkler-end-transmitter" in shown
    assert "lines without a slave: idle" in shown


def test_every_difference_is_named() -> None:
    one = Expected(
        device="a", at="2026-01-01T08:00:00+08:00", values={"t": 1.0}, status={"online": True}, refused=("x",)
    )
    same = one.model_copy(update={"at": "2026-01-01T00:00:00Z", "values": {"t": 1.0000000001}})
    assert list(differences(one, same)) == []
    other = Expected(device="b", faults={"t": "electrical"}, key="k")
    assert [name for name, _, _ in differences(one, other)] == [
        "device", "at", "values.t", "faults.t", "status.online", "refused", "key",
    ]  # fmt: skip
