"""The deployment directory: whole files with the right modes, and a run cut short goes on."""

import os
import stat
import time
from pathlib import Path

import pytest
from installations import NOW, configs, contents, planned, site

from services.install import files, plan
from services.install.apply import apply
from services.install.files import MANIFEST, Owner
from services.kernel.errors import SettingsError

US = Owner(os.geteuid(), os.getegid())


def carry_out(directory: Path, wanted: dict[str, plan.Planned], *, force: bool = False) -> list[plan.Step]:
    found = files.read(directory)
    todo = plan.steps(wanted, found, files.manifest_in(found), force=force)
    apply(directory, todo, files.manifest_in(found), US)
    return todo


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_directories_have_their_modes_whatever_the_umask(tmp_path: Path) -> None:
    wanted = planned()
    before = os.umask(0o077)
    try:
        carry_out(tmp_path / "deploy", wanted)
    finally:
        os.umask(before)
    there = tmp_path / "deploy"
    assert {name: mode(there / name) for name in wanted} == {name: one.mode for name, one in wanted.items()}
    assert {mode(path) for path in [there, *there.rglob("*")] if path.is_dir()} == {0o750}
    (there / "mosquitto/passwd").chmod(0o666)
    (there / "secrets").chmod(0o777)
    carry_out(there, wanted)
    assert (mode(there / "mosquitto/passwd"), mode(there / "secrets")) == (0o640, 0o750)


def test_a_symbolic_link_is_refused_before_its_target_changes_hands(tmp_path: Path) -> None:
    there, other = tmp_path / "deploy", tmp_path / "other"
    carry_out(there, planned())
    other.write_bytes(b"another's")
    other.chmod(0o600)
    (there / "secrets/mqtt_web").unlink()
    (there / "secrets/mqtt_web").symlink_to(other)
    with pytest.raises(SettingsError, match="mqtt_web is a symbolic link"):
        carry_out(there, planned())
    assert mode(other) == 0o600


def test_run_again_it_finds_everything_as_it_should_be(tmp_path: Path) -> None:
    carry_out(tmp_path / "deploy", planned())
    again = planned(files.read(tmp_path / "deploy"))
    assert {step.change for step in carry_out(tmp_path / "deploy", again)} == {"same"}


def test_what_a_person_changed_is_kept_run_after_run(tmp_path: Path) -> None:
    there = tmp_path / "deploy"
    carry_out(there, planned())
    (there / "mosquitto/mosquitto.conf").write_text("mine")
    for _ in range(2):
        todo = carry_out(there, planned(files.read(there)))
        assert [step.name for step in todo if step.change == "kept"] == ["mosquitto/mosquitto.conf"]
        assert (there / "mosquitto/mosquitto.conf").read_text() == "mine"
    carry_out(there, planned(files.read(there)), force=True)
    assert (there / "mosquitto/mosquitto.conf").read_text() != "mine"


def test_a_run_that_was_cut_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there, wanted = tmp_path / "deploy", planned()
    replace, left = os.replace, [9]

    def fail(source: str, target: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError("No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        carry_out(there, wanted)
    monkeypatch.undo()
    assert not list(there.rglob(".gengfu-*")), "nothing half is left"
    first = files.read(there)
    again = planned(first)
    assert contents({name: again[name] for name in first if name != MANIFEST}) == {
        name: content for name, content in first.items() if name != MANIFEST
    }
    assert "kept" not in {step.change for step in carry_out(there, again)}
    assert {step.change for step in carry_out(there, planned(files.read(there)))} == {"same"}


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(SettingsError, match=r"has not made \(photo\.jpg"):
        files.read(tmp_path)
    assert files.read(tmp_path / "missing") == {}


def test_a_directory_of_somebody_else_is_refused_before_anything_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(tmp_path / "deploy", planned())
    monkeypatch.setattr(os, "access", lambda path, _mode: path.name != "secrets")
    with pytest.raises(SettingsError, match="secrets belongs to somebody else"):
        files.read(tmp_path / "deploy")


def test_six_hundred_devices_take_seconds(tmp_path: Path) -> None:
    many = configs(*(site(f"site-{number}", {f"plc-{one}": "plc" for one in range(60)}) for number in range(10)))
    started = time.monotonic()
    carry_out(tmp_path / "deploy", planned(of=many, now=NOW))
    again = planned(files.read(tmp_path / "deploy"), of=many)
    assert {step.change for step in carry_out(tmp_path / "deploy", again)} == {"same"}
    assert time.monotonic() - started < 10
    assert (tmp_path / "deploy/mosquitto/passwd").read_text().count("\n") == 603
