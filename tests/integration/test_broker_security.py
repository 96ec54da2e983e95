"""A freshly made deployment on a real Mosquitto: everybody may do what they need and nothing else, by what is heard.

Mosquitto acknowledges a publish that it refuses and a subscription to what may not be read: only ears tell.
"""

import os
import re
import shutil
import signal
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from brokers import PATIENT, MosquittoServer
from fire_gateway import OURS, UTD, Dial
from processes import SHIPPED_CONFIGS, Stand, copy_configs, now_ms, reading, until
from typer.testing import CliRunner

from gateway.contract.times import format_at
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.mqtt import BrokerAddress, client_options, prepare
from gateway.site.load import load_configs
from services.cli.doors import Doors
from services.cli.main import app
from services.flows.fire import commands as fire_commands
from services.install.device_list import passwords_in
from services.install.secrets import passwd_line
from services.kernel.db import Database

AUDITOR = ("auditor", "an ear for everything")
"""Added to the copies that the broker of this test reads."""
END = "auditor/end"
ANSWERS = {"gengfu/v1/ready/yunhe", "gengfu/v1/ready/qinghe", "gengfu/v1/receipt/yunhe-domestic-plc"}
ANSWERS |= {f"gengfu/v1/receipt/yunhe-{one}" for one in ("gateway-1", "patrol-app", "fire-plc")}
COMMANDS = {"gengfu/v1/yunhe/fire-panel-1/command", "gengfu/v1/qinghe/fire-panel-1/command"}
READERS = {"tele/yunhe-control/SENSOR", "yunhe-patrol/tag"}
BRIDGED = {"zigbee2mqtt/fire-pump-door", "zigbee2mqtt/fire-pump-leak"}
FOREIGN = {"tele/power_room/SENSOR", *BRIDGED}
"""What ready-made devices of the site say in their makers' own words."""


def events(site: str, *devices: str) -> set[str]:
    return {f"gengfu/v1/{site}/{device}/{kind}" for device in devices for kind in ("reading", "tap", "fire", "status")}


YUNHE = events("yunhe", "domestic-plc", "fire-plc", "fire-panel-1", "patrol-app", "gateway-1")
EVENTS = YUNHE | events("qinghe", "domestic-plc")
ALL = (
    EVENTS | ANSWERS | COMMANDS | READERS | FOREIGN | {"gengfu/v1/yunhe/domestic-plc/other", "gengfu/v2/x", "home/lamp"}
)
PUBLISHES: Mapping[str, set[str]] = {
    "gengfu-ingest": ANSWERS,
    "gengfu-worker": COMMANDS,
    "gengfu-web": {f"gengfu/v1/yunhe/patrol-app/{kind}" for kind in ("tap", "status")},
    "yunhe-gateway-1": YUNHE,
    "yunhe-simulator": YUNHE | FOREIGN,
    "yunhe-domestic-plc": events("yunhe", "domestic-plc"),
    "yunhe-reader-patrol": {"yunhe-patrol/tag"},
    "yunhe-power-room-climate": {"tele/power_room/SENSOR"},
    "yunhe-fire-pump-door": BRIDGED,
    "qinghe-domestic-plc": events("qinghe", "domestic-plc"),
}
HEARS: Mapping[str, set[str]] = {
    "gengfu-ingest": EVENTS,
    "gengfu-worker": set(),
    "gengfu-web": {"gengfu/v1/yunhe/patrol-app/status", "gengfu/v1/ready/yunhe", "gengfu/v1/receipt/yunhe-patrol-app"},
    "yunhe-gateway-1": {
        "gengfu/v1/ready/yunhe", "gengfu/v1/receipt/yunhe-gateway-1", "gengfu/v1/yunhe/fire-panel-1/command", *READERS,
        *FOREIGN,
    },
    "yunhe-simulator": {"gengfu/v1/ready/yunhe"},
    "yunhe-domestic-plc": {"gengfu/v1/ready/yunhe", "gengfu/v1/receipt/yunhe-domestic-plc"},
    "yunhe-reader-patrol": set(),
    "yunhe-power-room-climate": set(),
    "qinghe-domestic-plc": {"gengfu/v1/ready/qinghe"},
}  # fmt: skip
DROPS = "$SYS/broker/publish/messages/dropped"


class Deployed(MosquittoServer):
    """Mosquitto with what `gengfu init` has written; only paths and the port are others, and the auditor's account."""

    def __init__(self, tmp_path: Path, deploy: Path) -> None:
        self._deploy = deploy
        self._copy = tmp_path / "mosquitto"
        super().__init__(tmp_path)

    def _shipped(self) -> str:
        self._take_over()
        text = (self._copy / "mosquitto.conf").read_text()
        text, listeners = re.subn(r"(?m)^listener 8883$", f"listener {self.port} 127.0.0.1", text)
        text = text.replace("/mosquitto/config/", f"{self._copy}/").replace("/mosquitto/data/", f"{self.directory}/")
        assert listeners == 1
        return text

    def reload(self) -> None:
        """As `docker compose kill -s HUP mosquitto` after another `gengfu init`."""
        self._take_over()
        os.kill(self.pid, signal.SIGHUP)

    def _take_over(self) -> None:
        shutil.copytree(self._deploy / "mosquitto", self._copy, dirs_exist_ok=True)
        with (self._copy / "passwd").open("a") as passwd:
            passwd.write(passwd_line(*AUDITOR) + "\n")
        with (self._copy / "acl").open("a") as acl:
            acl.write(f"\nuser {AUDITOR[0]}\ntopic readwrite #\n")


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped site and a second one with a device of the same id."""
    directory = tmp_path_factory.mktemp("sites")
    copied = copy_configs(directory)
    twin = copied / "sites/qinghe"
    twin.mkdir()
    (twin / "site.yaml").write_text("id: qinghe\nname: 清河苑\ntimezone: Asia/Shanghai\n")
    (twin / "areas.yaml").write_text("areas:\n  - {id: pump-room, name: 泵房, kind: pump_room}\n")
    for name in ("channels", "equipment", "people"):
        (twin / f"{name}.yaml").write_text(f"{name}: []\n")
    device = "{id: domestic-plc, name: 采集器, area: pump-room, kind: plc}"
    (twin / "devices.yaml").write_text(f"devices:\n  - {device}\npoints: []\n")
    return copied


@pytest.fixture(scope="module")
def deploy(tmp_path_factory: pytest.TempPathFactory, configs: Path) -> Path:
    """What `gengfu init` writes."""
    directory = tmp_path_factory.mktemp("company") / "deploy"
    words = ["init", "--dir", str(directory), "--host", "127.0.0.1", "--configs", str(configs), "--demo"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return directory


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, deploy: Path) -> Iterator[Deployed]:
    with Deployed(tmp_path_factory.mktemp("broker"), deploy) as server:
        yield server


def password(deploy: Path, user: str) -> str:
    """As the person or process has it who signs in."""
    if user == AUDITOR[0]:
        return AUDITOR[1]
    site, _, device = user.partition("-")
    secret = deploy / "secrets" / (f"mqtt_{device}" if site == "gengfu" else f"mqtt_{device}_{site}")
    if secret.exists():
        return secret.read_text()
    return passwords_in((deploy / f"devices/{site}.csv").read_bytes(), user)[device]


def address(broker: Deployed, deploy: Path, user: str) -> BrokerAddress:
    ca = deploy / "mosquitto/certs/ca.crt"
    return BrokerAddress("127.0.0.1", broker.port, user, password(deploy, user), ca)


class Ear:
    """A client that hears whatever it is given, with the names of everything else it may try."""

    def __init__(self, where: BrokerAddress, *topics: str) -> None:
        self.heard: list[tuple[str, bytes]] = []
        options = client_options(f"ear-{where.username}", clean_session=True)
        self._client = paho.Client(**options, reconnect_on_failure=False)
        prepare(self._client, where)
        self._subscribed = threading.Event()
        self._ended = threading.Event()
        self.lost = threading.Event()
        self._client.on_disconnect = lambda *_: self.lost.set()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._hear
        self._client.connect(where.host, where.port)
        self._client.loop_start()
        self.subscribe(*topics)

    def _hear(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        self.heard.append((message.topic, message.payload))
        if message.topic == END:
            self._ended.set()

    def subscribe(self, *topics: str) -> None:
        """Ask for topics; what was sent to us before the answer has been heard then."""
        self._subscribed.clear()
        if topics:
            self._client.subscribe([(one, 1) for one in topics])
            assert self._subscribed.wait(PATIENT)

    def say(self, topics: set[str], payload: bytes) -> None:
        """Publish one message on each and wait until the broker has acknowledged all of them."""
        for info in [self._client.publish(one, payload, qos=1) for one in sorted(topics)]:
            info.wait_for_publish(PATIENT)
            assert info.is_published()

    def to_the_end(self, auditor: "Ear") -> None:
        """Wait until everything that was published before now has been heard."""
        self._ended.clear()
        auditor.say({END}, b"")
        assert self._ended.wait(PATIENT)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def ear(broker: Deployed, deploy: Path, user: str, *topics: str) -> Iterator[Ear]:
    with closing(Ear(address(broker, deploy, user), *topics)) as one:
        yield one


@pytest.mark.parametrize("user", PUBLISHES)
def test_a_user_is_heard_on_its_own_topics_only(broker: Deployed, deploy: Path, user: str) -> None:
    with ear(broker, deploy, AUDITOR[0], "#") as auditor, ear(broker, deploy, user) as speaker:
        speaker.say(ALL, user.encode())
        auditor.to_the_end(auditor)
        assert {topic for topic, payload in auditor.heard if payload == user.encode()} == PUBLISHES[user]


@pytest.mark.parametrize("user", HEARS)
def test_a_user_hears_what_is_meant_for_it_only(broker: Deployed, deploy: Path, user: str) -> None:
    with ear(broker, deploy, AUDITOR[0]) as auditor, ear(broker, deploy, user, "#", "$SYS/#", *ALL, DROPS) as listener:
        auditor.say(ALL, b"for everybody")
        listener.subscribe("any/thing")
        heard = {topic for topic, payload in listener.heard if payload == b"for everybody"}
        system = {topic for topic, _ in listener.heard if topic.startswith("$SYS")}
    assert heard == HEARS[user]
    assert system == ({DROPS} if user == "gengfu-ingest" else set())


def refusal(where: BrokerAddress) -> str:
    """Why the broker does not let one in."""
    client = paho.Client(**client_options("stranger", clean_session=True), reconnect_on_failure=False)
    prepare(client, where)
    answer: list[str] = []
    client.on_connect = lambda _c, _u, _f, reason, _p: answer.append(str(reason))
    client.on_disconnect = lambda _c, _u, _f, reason, _p: answer.append(f"closed: {reason}")
    client.connect(where.host, where.port)
    client.loop_start()
    until(lambda: answer, "no answer")
    client.disconnect()
    client.loop_stop()
    return answer[0]


def test_nobody_gets_in_without_an_account_or_without_tls(broker: Deployed, deploy: Path) -> None:
    ca = deploy / "mosquitto/certs/ca.crt"
    user = "yunhe-domestic-plc"
    assert refusal(address(broker, deploy, user)) == "Success"
    assert refusal(BrokerAddress("127.0.0.1", broker.port, ca=ca)) == "Not authorized"
    assert refusal(BrokerAddress("127.0.0.1", broker.port, user, "wrong", ca)) == "Not authorized"
    other = password(deploy, "yunhe-fire-plc")
    assert refusal(BrokerAddress("127.0.0.1", broker.port, user, other, ca)) == "Not authorized"
    assert refusal(BrokerAddress("127.0.0.1", broker.port, user, password(deploy, user))).startswith("closed")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(broker: Deployed) -> None:
    def handshake(newest: ssl.TLSVersion) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
        with socket.create_connection(("127.0.0.1", broker.port)) as sock, context.wrap_socket(sock):
            pass

    handshake(ssl.TLSVersion.TLSv1_2)
    with pytest.raises(OSError, match=r"PROTOCOL_VERSION|UNEXPECTED_EOF|reset"):
        handshake(ssl.TLSVersion.TLSv1_1)


def test_every_device_of_the_list_can_sign_in(broker: Deployed, deploy: Path) -> None:
    words = passwords_in((deploy / "devices/yunhe.csv").read_bytes(), "yunhe")
    site = load_configs(SHIPPED_CONFIGS).site("yunhe")
    slaves = {one.device for one in site.sensors.sensors if one.bus is not None}
    assert {one.id for one in site.devices} - set(words) == {"patrol-app", "fire-panel-1", *slaves}
    for device in words:
        assert refusal(address(broker, deploy, f"yunhe-{device}")) == "Success", device


def test_a_rotated_password_cuts_that_device_off_and_nobody_else(broker: Deployed, deploy: Path, configs: Path) -> None:
    rotated = address(broker, deploy, "yunhe-meter-floor")
    with closing(Ear(rotated)) as device, ear(broker, deploy, AUDITOR[0], "#") as auditor:
        words = ["init", "--dir", str(deploy), "--configs", str(configs), "--rotate", "yunhe/meter-floor"]
        assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
        broker.reload()
        assert device.lost.wait(PATIENT)
        assert refusal(rotated) == "Not authorized"
        assert refusal(address(broker, deploy, "yunhe-meter-floor")) == "Success"
        auditor.to_the_end(auditor)
        assert not auditor.lost.is_set()


@contextmanager
def running(broker: Deployed, deploy: Path, tmp_path: Path, configs: Path) -> Iterator[Stand]:
    """Ingest, worker and the gateway as their containers start them: a directory with a file per secret each."""
    with Stand(tmp_path, broker.port, configs=configs) as stand:
        for part, user in (("ingest", "gengfu-ingest"), ("worker", "gengfu-worker"), ("gateway", "yunhe-gateway-1")):
            secrets = tmp_path / f"secrets-{part}"
            secrets.mkdir()
            (secrets / "gengfu_broker_password").write_text(password(deploy, user))
            more = ["--site", "yunhe"] if part == "gateway" else []
            ca = str(deploy / "mosquitto/certs/ca.crt")
            stand.start(part, *more, secrets_dir=str(secrets), broker_username=user, broker_ca=ca)
        until(stand.hears, "ingest does not hear the broker", 60)
        until(lambda: "may connect" in stand.processes[2].errors, "the gateway does not listen", 60)
        yield stand


@pytest.mark.timeout(150)
def test_gengfu_itself_works_with_what_each_part_may_do(
    broker: Deployed, deploy: Path, tmp_path: Path, configs: Path
) -> None:
    with ExitStack() as stack:
        stand = stack.enter_context(running(broker, deploy, tmp_path, configs))
        device = stack.enter_context(ear(broker, deploy, "yunhe-domestic-plc"))
        start_ms = now_ms() - 25_000
        for second in range(25):
            device.say(
                {"gengfu/v1/yunhe/domestic-plc/reading"},
                reading("secure", second + 1, "low-zone-pressure", 0.6, start_ms + second * 1000),
            )
        loaded = load_configs(configs)
        doors = Doors(loaded, address(broker, deploy, "gengfu-web"), lambda site: tmp_path / f"web-{site}.db")
        stack.callback(doors.close)
        doors.put("yunhe", {"at": format_at(now_ms()), "tag": "043A91B26C5980", "guard": "guard", "evidence": "uid"})
        utd = Dial(stand.fire_port)
        stack.callback(utd.close)
        utd.say(Frame(0, Command.SEND_DATA, UTD, OURS))
        utd.hear()
        db = stack.enter_context(closing_db(stand.database_url))
        with db.begin() as session:
            config = loaded.site("yunhe")
            row = fire_commands.ask(
                session, config, "fire-panel-1", "utd_state", {}, actor="test", now=datetime.now(UTC)
            )
            command = row.id
        (request,) = utd.hear()
        utd.say(request.answer(Command.REPLY, bytes(6), bytes([21, 1, 1, *bytes(6)])))
        until(lambda: stand.scalar("SELECT count(*) FROM alert WHERE rule = 'NUM-01'"), "no alert of the readings")
        until(lambda: stand.scalar("SELECT count(*) FROM patrol_tap"), "the tap did not arrive")
        asked = "SELECT outcome FROM fire_command WHERE id = :id"
        until(lambda: stand.scalar(asked, id=command) == "answered", "the command did not go round")
        assert not [one.errors for one in stand.processes if "refused" in one.errors or one.code is not None]


@contextmanager
def closing_db(url: str) -> Iterator[Database]:
    db = Database(url)
    yield db
    db.dispose()
