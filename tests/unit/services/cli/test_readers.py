"""`gengfu reader probe` over a real pty: each sort of reader is told apart and its lines can be read again."""

import importlib
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tag_readers import Card, PlayedPn532, Plug, rdm_frame
from typer.testing import CliRunner

from gateway.site.patrol import Reader

cli = importlib.import_module("services.cli.main")  # the package offers the function of this name
probing = importlib.import_module("services.cli.readers")


def probe(plug: Plug, say: bytes = b"", *options: str) -> tuple[int, str]:
    """Exit code and output while the reader says something again and again."""
    ended = threading.Event()

    def talk() -> None:
        while say and not ended.wait(0.04):
            plug.say(say)

    talker = threading.Thread(target=talk, daemon=True)
    talker.start()
    try:
        result = CliRunner().invoke(cli.app, ["reader", "probe", str(plug.path), "--lang", "en", *options])
    finally:
        ended.set()
        talker.join()
        plug.close()
    return result.exit_code, result.output


def proposed(output: str) -> Reader:
    line = next(line for line in output.splitlines() if "protocol:" in line)
    return Reader.model_validate(yaml.safe_load(line)[0])


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_ASKING_S", 0.15)


@pytest.fixture
def plug(tmp_path: Path) -> Callable[..., Plug]:
    return lambda hear=lambda _: b"": Plug(tmp_path / "port", hear)


def test_a_pn532(plug: Callable[..., Plug], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_ASKING_S", 1.5)
    chip = PlayedPn532()
    chip.card = Card(bytes.fromhex("041F9B02005281"))
    code, output = probe(plug(chip.hear), b"", "--seconds", "2")
    assert code == 0
    assert "PN532, firmware 1.6" in output
    assert "identity 041F9B02005281" in output
    assert "{uid: '041F9B02005281', kind: nfc}" in output
    assert (proposed(output).protocol, proposed(output).baud) == ("pn532", 115_200)


@pytest.mark.parametrize(
    ("said", "protocol", "uid"),
    [
        (rdm_frame("14008EC793"), "rdm6300", "14008EC793"),
        (b"04:1f:9b:02:00:52:81\r\n", "uid_line", "04:1f:9b:02:00:52:81"),
        (b"0007;2026/11/20 22:05:10;14008EC793\r\n", "wand", "14008EC793"),
    ],
)
def test_readers_that_only_talk(plug: Callable[..., Plug], said: bytes, protocol: str, uid: str) -> None:
    code, output = probe(plug(), said, "--seconds", "1.5")
    assert code == 0
    reader = proposed(output)
    assert (reader.protocol, reader.baud) == (protocol, 9600)
    assert f"uid: '{uid}'" in output
    assert said.hex(" ").upper() in output
    if protocol == "wand":
        assert re.search(reader.pattern, said.decode())
        assert reader.time_format == "%Y/%m/%d %H:%M:%S"


def test_silence_and_noise_propose_nothing(plug: Callable[..., Plug]) -> None:
    assert probe(plug(), b"", "--seconds", "0.3", "--baud", "9600")[0] == 1
    code, output = probe(plug(), b"\xff?\n", "--seconds", "0.4", "--baud", "9600")
    assert code == 1
    assert "none understood" in output


def test_a_port_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["reader", "probe", str(tmp_path / "nowhere")])
    assert isinstance(result.exception, probing.PortUnusable)
