"""Users and rules of the broker: each may do what it needs, by the site files."""

import itertools
import re

import pytest
from console import shipped
from installations import SHIPPED, configs, site

from gateway.contract.topics import KINDS
from gateway.site.model import SiteConfig
from gateway.site.patrol import Patrol, Reader
from services.install import mosquitto
from services.install.mosquitto import User
from services.kernel.errors import SettingsError

CONFIG = site()


def user(device: str) -> User:
    found = mosquitto.device_user(CONFIG, CONFIG.device(device))
    assert found is not None
    return found


@pytest.mark.parametrize("device", ["plc-1", "meter"])
def test_a_device_says_its_own_topics_and_hears_what_answers_it(device: str) -> None:
    assert user(device).name == f"jingan-{device}"
    assert set(user(device).publishes) == {f"gengfu/v1/jingan/{device}/{kind}" for kind in KINDS}
    assert set(user(device).hears) == {"gengfu/v1/ready/jingan", f"gengfu/v1/receipt/jingan-{device}"}


def test_a_gateway_speaks_for_its_site_and_hears_its_commands_and_readers() -> None:
    assert set(user("gateway-1").publishes) == {f"gengfu/v1/jingan/+/{kind}" for kind in KINDS}
    assert set(user("gateway-1").hears) == {
        "gengfu/v1/ready/jingan",
        "gengfu/v1/receipt/jingan-gateway-1",
        "gengfu/v1/jingan/+/command",
        "tele/gate/SENSOR",
    }


def test_a_ready_made_reader_says_its_own_topic_and_nothing_of_ours() -> None:
    assert user("reader-mqtt") == ("jingan-reader-mqtt", ("tele/gate/SENSOR",), (), "ready-made reader of jingan")


@pytest.mark.parametrize(
    ("device", "speaker"), [("phones", "gengfu"), ("panel-1", "gateway"), ("reader-serial", "gateway"), ("plc-1", None)]
)
def test_whoever_does_not_sign_in_has_no_account(device: str, speaker: str | None) -> None:
    assert mosquitto.speaker_of(CONFIG, CONFIG.device(device)) == speaker
    assert (mosquitto.device_user(CONFIG, CONFIG.device(device)) is None) == (speaker is not None)


def test_no_process_may_do_what_another_one_does() -> None:
    users = mosquitto.gengfu_users(configs(CONFIG, site("changning", {"plc-1": "plc"})))
    assert set(users["mqtt_worker"].publishes) == {"gengfu/v1/+/+/command"}
    assert not users["mqtt_worker"].hears
    assert users["mqtt_web"].publishes == ("gengfu/v1/jingan/phones/tap", "gengfu/v1/jingan/phones/status")
    assert users["mqtt_ingest"].publishes == ("gengfu/v1/receipt/+", "gengfu/v1/ready/+")
    assert not [one for one in users["mqtt_ingest"].hears if one.endswith(("command", "#"))]


def test_the_rules_have_a_block_per_user_and_none_for_nobody() -> None:
    text = mosquitto.rules([User("a", ("t/1", "t/2"), ("t/2", "t/3"), "why"), User("b", (), (), "why")])
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == ["user a", "topic write t/1", "topic readwrite t/2", "topic read t/3", "user b"]


def test_two_users_of_one_name_are_refused_and_both_named() -> None:
    one, other = User("a-b-c", (), (), "device of a-b"), User("a-b-c", (), (), "device of a")
    with pytest.raises(SettingsError, match="a-b-c: device of a-b, device of a"):
        mosquitto.check_names([one, other])


def with_reader(name: str, topic: str) -> SiteConfig:
    readers = (Reader(id="reader-mqtt", protocol="tasmota", topic=topic),)
    return site(name).model_copy(update={"patrol": Patrol(readers=readers)})


@pytest.mark.parametrize(
    "topic", ["tele/gate/SENSOR", "tele/+/SENSOR", "+/v1/jingan/plc-1/fire", "a\nuser x", "gengfu/v1/a"]
)
def test_a_reader_that_could_speak_for_others_is_refused(topic: str) -> None:
    with pytest.raises(SettingsError, match="reader-mqtt"):
        mosquitto.check_readers(configs(with_reader("changning", topic), CONFIG))


@pytest.mark.parametrize("topic", ["tele/gate-2/SENSOR", "tele/+", "changning/+/SENSOR"])
def test_a_reader_with_a_topic_of_its_own_is_fine(topic: str) -> None:
    mosquitto.check_readers(configs(with_reader("changning", topic), CONFIG))


def test_passwords_that_hold_keep_their_line() -> None:
    salts = itertools.count()
    first = mosquitto.passwords({"a": "1", "b": "2"}, "", lambda size: bytes([next(salts)]) * size)
    again = mosquitto.passwords({"c": "3", "b": "2", "a": "new"}, first, lambda size: bytes([next(salts)]) * size)
    assert first.splitlines()[1] == again.splitlines()[1]
    assert [line.partition(":")[0] for line in again.splitlines()] == ["c", "b", "a"]
    assert first.splitlines()[0] != again.splitlines()[2]


def test_the_configuration_is_the_shipped_one_behind_tls_and_passwords() -> None:
    text = mosquitto.configuration(SHIPPED.broker)
    settings = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line for line in settings if line.startswith("listener")] == ["listener 8883"]
    assert "allow_anonymous false" in settings
    assert "persistence_location /mosquitto/data/" in settings
    shipped = [
        line for line in SHIPPED.broker.splitlines() if line.startswith(("max_", "queue_", "persistent_", "log_"))
    ]
    assert len(shipped) > 8
    assert set(shipped) <= set(settings)


def test_a_shipped_configuration_without_its_sections_is_refused() -> None:
    with pytest.raises(SettingsError, match="sections"):
        mosquitto.configuration(SHIPPED.broker.replace("persistence_location", "elsewhere"))


def test_a_mosquitto_of_ones_own_is_told_the_same_settings() -> None:
    network = SHIPPED.broker.partition("# --- Devices on a network")[2]
    by_hand = {line[1:].split()[0] for line in network.splitlines() if re.match(r"#[a-z_]+ \S+$", line)}
    made = mosquitto.configuration(SHIPPED.broker).partition("# --- Queues")[0]
    ours = {line.split()[0] for line in made.splitlines() if line and not line.startswith("#")}
    assert by_hand == ours - {"per_listener_settings", "allow_anonymous"}


def test_the_console_types_in_for_the_devices_that_people_measure_with_and_for_no_other() -> None:
    yunhe = mosquitto.gengfu_users(shipped())["mqtt_web"].publishes
    assert sorted(one for one in yunhe if one.endswith("/reading")) == [
        "gengfu/v1/yunhe/meter-electrical/reading", "gengfu/v1/yunhe/meter-floor/reading",
    ]  # fmt: skip
