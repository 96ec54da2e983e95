"""`gengfu probe`: the core by itself, and the commands against a real broker and a virtual Modbus line."""

import json
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import paho.mqtt.client as paho
import pytest
import yaml
from brokers import MosquittoServer, free_port
from typer.testing import CliRunner

from gateway.decode.samples import disproofs
from gateway.drivers.modbus.wire import NoAnswer
from gateway.mqtt import client_options
from gateway.simulator.modbus import VirtualBus, VirtualSlave
from gateway.site.load import load_configs
from gateway.site.model import Configs
from gateway.site.profile import ModbusProfile, Profile, Register
from services.cli import probe
from services.cli.probe_modbus import BadRange, look, registers_in, sensors_yaml, slaves_in
from services.cli.probe_mqtt import MOST_TOPICS, Recogniser, proposals, summary

ZONE = ZoneInfo("Asia/Shanghai")
NOW = 1_795_226_400_000
CLIMATE = b'{"Time":"2026-11-21T10:00:00","BME280":{"Temperature":21.7,"Humidity":66.6},"TempUnit":"C"}'
STRANGER = b'{"ts":1795226400,"water":{"pressure":0.42,"level":2.1},"door":"OPEN"}'


@pytest.fixture(scope="module")
def configs() -> Configs:
    return load_configs(Path(__file__).parents[4] / "device_configs")


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENGFU_CONFIGS", str(Path(__file__).parents[4] / "device_configs"))
    monkeypatch.delenv("GENGFU_LANG", raising=False)


@pytest.fixture
def recogniser(configs: Configs) -> Recogniser:
    return Recogniser(configs.profiles, ZONE)


def flat(text: str) -> str:
    """Without the breaks and columns of a table."""
    return " ".join(text.split())


# --- MQTT ---


def test_a_message_goes_to_the_family_that_reads_most_of_it(recogniser: Recogniser) -> None:
    for topic, payload in (
        ("tele/room/SENSOR", CLIMATE),
        ("zigbee2mqtt/door", b'{"contact":false,"battery":80}'),
        ("zigbee2mqtt/rope", b'{"water_leak":true}'),
        ("acme/7/report", STRANGER),
        ("gengfu/v1/yunhe/plc/reading", b'{"id":"1"}'),
    ):
        recogniser.hear(topic, payload, NOW)
    families = {one.topic: one.profile.id if one.profile else "" for one in recogniser.heard.values()}
    assert families == {
        "tele/room/SENSOR": "tasmota",
        "zigbee2mqtt/door": "door-contact",
        "zigbee2mqtt/rope": "leak-rope",
        "acme/7/report": "",
        "gengfu/v1/yunhe/plc/reading": "",
    }
    lines = list(recogniser.sensors_yaml())
    assert '- {device: …, profile: door-contact, name: "door", points: {contact: …}}' in lines
    assert [one.topic for one in recogniser.strangers()] == ["acme/7/report"]
    shown = {topic: (family, content) for topic, family, content in map(_english, recogniser.heard.values())}
    assert recogniser.ours() == (1, 1)
    assert "gengfu/v1/yunhe/plc/reading" not in {one.topic for one in recogniser.foreign()}
    assert shown["zigbee2mqtt/door"][1] == "door  contact 1 · battery 80.0"


def _english(heard: object) -> tuple[str, str, str]:
    return summary(heard, zh=False)  # type: ignore[arg-type]


def test_who_has_only_said_that_it_is_there_needs_no_line(recogniser: Recogniser) -> None:
    recogniser.hear("zigbee2mqtt/rope/availability", b'{"state":"online"}', NOW)
    assert list(recogniser.sensors_yaml()) == []
    assert recogniser.strangers() == []


def test_what_is_refused_is_shown_and_does_not_win(recogniser: Recogniser) -> None:
    recogniser.hear("tele/room/SENSOR", b'{"BME280":{"Temperature":"warm","Humidity":50}}', NOW)
    (heard,) = recogniser.heard.values()
    assert heard.profile is not None
    assert "temperature is the text" in summary(heard, zh=True)[2]
    recogniser.hear("a/b", b"\xff\x00\x01", NOW)
    assert summary(recogniser.heard["a/b"], zh=True)[1:] == ("—", "hex:ff0001")


def test_a_proposed_profile_can_be_pasted_and_proves_itself(recogniser: Recogniser) -> None:
    recogniser.hear("acme/7/report", STRANGER, NOW)
    recogniser.hear("acme/7/noise", b"hello", NOW)
    ((topic, text),) = proposals(recogniser.strangers())
    assert topic == "acme/7/report"
    (entry,) = yaml.safe_load(text)["profiles"]
    profile = Profile.model_validate(entry)
    assert disproofs(profile) == []
    assert {one.name for one in profile.metrics} >= {"pressure", "level", "door"}
    assert len(profile.samples) == 1


def test_endless_topics_are_only_counted(recogniser: Recogniser) -> None:
    for number in range(MOST_TOPICS + 3):
        recogniser.hear(f"spam/{number}", b"1", NOW)
    assert (len(recogniser.heard), recogniser.missed) == (MOST_TOPICS, 3)


def test_probe_mqtt_hears_a_broker_and_says_nothing(tmp_path: Path) -> None:
    with MosquittoServer(tmp_path, "log_type all", stock=True) as broker:
        speaker = paho.Client(**client_options("speaker", clean_session=True))
        speaker.connect("127.0.0.1", broker.port)
        speaker.loop_start()
        for topic, payload in (("tele/room/SENSOR", CLIMATE), ("acme/7/report", STRANGER)):
            speaker.publish(topic, payload, qos=1, retain=True).wait_for_publish(5)
        options = ["mqtt", "--host", f"127.0.0.1:{broker.port}", "--seconds", "1.5", "--lang", "en"]
        result = CliRunner().invoke(probe.app, options)
        speaker.disconnect()
        speaker.loop_stop()
        log = broker.log_path.read_text("utf-8")
    assert result.exit_code == 0, result.output
    assert "room temperature 21.7 °C · humidity 66.6 %" in flat(result.output)
    assert 'profile: tasmota, name: "room", points: {temperature: …, humidity: …}' in result.output
    assert "No profile knows acme/7/report" in result.output
    assert "select: water.pressure" in result.output
    assert "PUBLISH from gengfu-probe" not in log
    assert ", c1," in next(line for line in log.splitlines() if "as gengfu-probe" in line)


def test_a_broker_that_is_not_there_or_silent_is_told_in_words(tmp_path: Path) -> None:
    nobody = CliRunner().invoke(probe.app, ["mqtt", "--host", f"127.0.0.1:{free_port()}"])
    assert "cannot be reached" in str(nobody.exception)
    with MosquittoServer(tmp_path, stock=True) as broker:
        quiet = CliRunner().invoke(probe.app, ["mqtt", "--host", f"127.0.0.1:{broker.port}", "--seconds", "0.2"])
    assert quiet.exit_code == 0
    assert "没有听到任何消息" in quiet.output


def test_a_refused_account_is_told_in_words(tmp_path: Path) -> None:
    with MosquittoServer(tmp_path, "allow_anonymous false") as broker:
        result = CliRunner().invoke(probe.app, ["mqtt", "--host", f"127.0.0.1:{broker.port}"])
    assert "does not let us hear" in str(result.exception)


# --- Modbus ---


@pytest.fixture
def line(configs: Configs) -> Iterator[tuple[VirtualBus, int]]:
    loops, meter = configs.profiles["modbus-4-20ma"].modbus, configs.profiles["power-meter"].modbus
    assert loops is not None
    assert meter is not None
    unknown = ModbusProfile(registers=tuple(Register(name=f"r{at}", address=at) for at in (0, 3, 79)))
    shy = ModbusProfile(registers=(Register(name="x", address=900),))
    bus = VirtualBus(
        [
            VirtualSlave(1, loops, lambda metric, at_ms: 12.0 if metric == "current_1" else 0.0),
            VirtualSlave(3, meter, lambda metric, at_ms: {"power_factor": 0.93, "frequency": 50.0}.get(metric, 230.0)),
            VirtualSlave(4, unknown, lambda metric, at_ms: 60_001.0 if metric == "r3" else 0.0),
            VirtualSlave(5, shy, lambda metric, at_ms: 1.0),
        ],
        lambda: NOW,
    )
    port = bus.serve_tcp("127.0.0.1", 0)
    yield bus, port
    bus.close()


def test_probe_modbus_names_families_and_values_and_writes_the_lines(line: tuple[VirtualBus, int]) -> None:
    _bus, port = line
    options = ["modbus", "--host", f"127.0.0.1:{port}", "--slaves", "1,3-5", "--timeout-ms", "5000"]
    result = CliRunner().invoke(probe.app, [*options, "--seconds", "0.05", "--lang", "en"])
    assert result.exit_code == 0, result.output
    text = flat(result.output)
    assert "current_1 12 mA" in text
    assert "voltage_1 230 V" in text
    assert "No profile fits slave 4" in text
    assert "holding 3: 60001" in text
    assert "5 — answers, but has none of these registers: try others with --registers" in text
    snippet = yaml.safe_load(result.output.split("# sensors.yaml", 1)[1].replace("…", "x"))
    assert [one["slave"] for one in snippet["sensors"]] == [1, 3]
    assert [one["profile"] for one in snippet["sensors"]] == ["modbus-4-20ma", "power-meter"]
    assert snippet["sensors"][0]["spans"]["current_1"] == {"low": 0, "high": "x"}
    assert snippet["buses"] == [{"id": "bus-1", "host": f"127.0.0.1:{port}"}]


def test_a_line_without_anybody_says_what_to_check(line: tuple[VirtualBus, int]) -> None:
    _bus, port = line
    options = ["modbus", "--host", f"127.0.0.1:{port}", "--slaves", "20", "--timeout-ms", "60"]
    assert "A/B 是否接反" in CliRunner().invoke(probe.app, options).output


def test_a_line_that_cannot_be_opened_is_told_in_words() -> None:
    result = CliRunner().invoke(probe.app, ["modbus", "--host", f"127.0.0.1:{free_port()}"])
    assert "cannot be opened" in str(result.exception)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--host", "a:1", "--port", "/dev/ttyUSB0"],
        ["--host", "somewhere"],
        ["--host", "a:99999"],
    ],
)
def test_a_line_is_a_host_or_a_port(options: list[str]) -> None:
    assert CliRunner().invoke(probe.app, ["modbus", *options]).exit_code == 2


def test_slaves_and_registers_as_people_write_them() -> None:
    assert slaves_in("1-3,7, 2") == [1, 2, 3, 7]
    assert registers_in("0-79")[1:] == (0, 80)
    assert registers_in("holding:100-139") == (("holding",), 100, 40)
    for text in ("0-3", "a", "3-1", "1-300", ""):
        with pytest.raises(BadRange):
            slaves_in(text)
    for text in ("coils:1", "5-1", "0-200", "x-y", "70000"):
        with pytest.raises(BadRange):
            registers_in(text)


def test_a_family_that_only_seems_to_fit_is_not_named(configs: Configs) -> None:
    class Nothing:
        def read(self, slave: int, request: object) -> list[int]:
            raise NoAnswer("silent")

    assert list(look(Nothing(), configs.profiles, [1, 2], (("holding",), 0, 8), NOW)) == []
    assert list(sensors_yaml([], "host: x")) == ["buses:", "  - {id: bus-1, host: x}", "sensors:"]


def test_the_json_of_a_proposal_is_kept_as_it_came(recogniser: Recogniser) -> None:
    recogniser.hear("acme/7/report", STRANGER, NOW)
    ((_, text),) = proposals(recogniser.strangers())
    sample = yaml.safe_load(text)["profiles"][0]["samples"][0]
    assert json.loads(sample["payload"]) == json.loads(STRANGER)
