"""Every client of the broker over TLS on a real Mosquitto: batches, reconnects, and certificates that are refused."""

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from brokers import PATIENT, MosquittoServer, free_port
from processes import SHIPPED_CONFIGS, RawSender, until

from gateway.contract.errors import NotNow
from gateway.contract.topics import command_topic
from gateway.dropwatch import DropWatch
from gateway.fire.commands import CommandSender
from gateway.mqtt import BrokerAddress
from gateway.outbox import Outbox
from gateway.publish import Publisher
from gateway.simulator.run import Simulator
from gateway.site.load import load_configs
from gateway.subscribe import Message, Subscriber
from services.cli.wiring import broker_of
from services.install.certificates import Pair, make_authority, make_server
from services.kernel.errors import SettingsError
from services.kernel.settings import Settings

pytestmark = [
    # paho forgets to close the socket of a failed handshake; it closes when its object goes, right away.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=1000)
MANY = 10_000
SERVED = {"right": (["127.0.0.1"], NOW), "elsewhere": (["gengfu.example"], NOW), "expired": (["127.0.0.1"], LONG_AGO)}
"""Listeners by the certificate they show."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Mosquitto with a plain listener and one for each certificate, all of one authority."""
    directory = tmp_path_factory.mktemp("tls")
    authority = make_authority(LONG_AGO, 1)
    (directory / "ca.crt").write_bytes(authority.certificate)
    (directory / "stranger.crt").write_bytes(make_authority(NOW, 2).certificate)
    ports = {name: free_port() for name in SERVED}
    config = []
    for name, (hosts, since) in SERVED.items():
        write(directory / name, make_server(authority, hosts, since))
        files = f"certfile {directory / name}.crt\nkeyfile {directory / name}.key"
        config.append(f"listener {ports[name]} 127.0.0.1\n{files}")
    with MosquittoServer(directory, "\n".join(config)) as server:
        yield SimpleNamespace(server=server, ports=ports, directory=directory)


def write(stem: Path, pair: Pair) -> None:
    stem.with_suffix(".crt").write_bytes(pair.certificate)
    stem.with_suffix(".key").write_bytes(pair.key)


def address(broker: SimpleNamespace, name: str = "right", *, host: str = "127.0.0.1", ca: str = "ca") -> BrokerAddress:
    return BrokerAddress(host, broker.ports[name], ca=broker.directory / f"{ca}.crt")


def hear(subscriber: Subscriber, count: int, *, most: int = 1000) -> list[Message]:
    """Gather and acknowledge so many messages."""
    heard: list[Message] = []

    def more() -> bool:
        batch = subscriber.gather(most, 1 << 20, 0.01, 0.1)
        subscriber.acknowledge(batch, subscriber.generation)
        heard.extend(batch)
        return len(heard) >= count

    until(more, f"{count} messages wanted")
    return heard


def connect(subscriber: Subscriber) -> None:
    until(lambda: subscriber.gather(1, 1 << 20, 0.0, 0.05) == [] and subscriber.connected)


def test_batches_of_ten_thousand_come_whole_and_in_order_also_after_a_restart(broker: SimpleNamespace) -> None:
    subscriber = Subscriber(address(broker), "tls-ingest", [("many/#", 1)])
    connect(subscriber)
    with RawSender(broker.server.port, "tls-sender") as sender:
        wanted = [(f"many/{number % 7}", b"%05d" % number * (1 + number % 40)) for number in range(MANY)]
        sending = threading.Thread(target=sender.send, args=(wanted, 1e9))
        sending.start()
        heard = hear(subscriber, MANY)
        sending.join()
    assert [(one.topic, one.payload) for one in heard] == wanted
    generation = subscriber.generation
    broker.server.restart()
    with RawSender(broker.server.port, "tls-sender") as sender:
        sender.send([("many/0", b"while nobody listened")], 1e9)
    assert [one.payload for one in hear(subscriber, 1)] == [b"while nobody listened"]
    assert subscriber.generation > generation
    subscriber.close()


def test_a_message_larger_than_many_records_comes_whole(broker: SimpleNamespace) -> None:
    subscriber = Subscriber(address(broker), "tls-large", [("large/#", 1)])
    connect(subscriber)
    large = bytes(range(256)) * 6000
    with RawSender(broker.server.port, "large-sender") as sender:
        sender.send([("large/1", large), ("large/1", b"small")], 1e9)
    assert [one.payload for one in hear(subscriber, 2)] == [large, b"small"]
    subscriber.publish("large/1", large, qos=1)  # leaves in pieces
    assert [one.payload for one in hear(subscriber, 1)] == [large]
    subscriber.close()


@pytest.mark.parametrize(
    ("name", "host", "ca", "said"),
    [
        ("right", "127.0.0.1", "stranger", "is not from the authority"),
        ("elsewhere", "127.0.0.1", "ca", "is not for the address 127.0.0.1"),
        ("right", "localhost", "ca", "is not for the name localhost"),
        ("expired", "127.0.0.1", "ca", "has expired"),
    ],
)
def test_a_certificate_that_does_not_fit_is_refused_with_a_sentence(
    broker: SimpleNamespace, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, host: str, ca: str, said: str
) -> None:
    caplog.set_level(logging.DEBUG)
    where = address(broker, name, host=host, ca=ca)
    subscriber = Subscriber(where, "refused", [("a/#", 1)])
    assert subscriber.gather(1, 1, 0.0, 0.05) == []
    assert (
        f"cannot reach the broker at {where}: certificate verify failed: the broker's certificate {said}" in caplog.text
    )
    caplog.clear()
    with pytest.raises(NotNow, match=said):
        CommandSender(where, "refused").send("s", "d", command())
    outbox = Outbox(tmp_path / "outbox.db", via="refused")
    publisher = Publisher(outbox, where, "s").start()
    until(lambda: said in caplog.text)
    publisher.close()
    outbox.close()


def command() -> dict[str, object]:
    return {"id": "c-1", "kind": "utd_state", "params": {}, "expires_at": "2026-11-22T08:00:00Z"}


def test_a_plain_port_is_named_as_such(broker: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    where = BrokerAddress("127.0.0.1", broker.server.port, ca=broker.directory / "ca.crt")
    subscriber = Subscriber(where, "refused", [("a/#", 1)])
    subscriber.gather(1, 1, 0.0, 0.05)
    assert "does this port speak TLS" in caplog.text


def test_a_client_without_tls_is_told_once_that_the_port_wants_it(
    broker: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    subscriber = Subscriber(BrokerAddress("127.0.0.1", broker.ports["right"]), "plain", [("a/#", 1)])
    for _ in range(20):
        assert subscriber.gather(1, 1, 0.0, 0.05) == []
    assert caplog.text.count("does this port want TLS") == 1
    assert subscriber.generation < 6, "it must not come again at once"


def test_a_ca_that_is_none_ends_the_program_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no certificate")
    for path in (tmp_path / "ca.crt", tmp_path / "missing.crt"):
        with pytest.raises(SettingsError, match="GENGFU_BROKER_CA"):
            broker_of(Settings(broker_ca=path))


def test_commands_and_the_drop_counter_work_over_tls(broker: SimpleNamespace) -> None:
    receiver = Subscriber(address(broker), "tls-gateway", [(command_topic("s", "+"), 1)])
    connect(receiver)
    sender = CommandSender(address(broker), "tls-worker")
    sender.send("s", "d", command())
    assert [one.topic for one in hear(receiver, 1)] == [command_topic("s", "d")]
    sender.close()
    receiver.close()
    drops = DropWatch(address(broker), "tls-drops")
    connected = threading.Event()
    on_connect = drops._client.on_connect
    drops._client.on_connect = lambda *args: (on_connect(*args), connected.set())  # type: ignore[misc]
    drops.start()
    assert connected.wait(PATIENT)
    drops.close()


def test_simulated_devices_work_over_tls(broker: SimpleNamespace) -> None:
    config = load_configs(SHIPPED_CONFIGS).site("yunhe")
    simulator = Simulator(config, address(broker), "calm", wait_ready=False)
    stop = threading.Event()
    playing = threading.Thread(target=simulator.run, args=(stop,))
    playing.start()
    try:
        until(lambda: simulator.counts().acknowledged >= 5, "the broker acknowledged too little")
    finally:
        stop.set()
        playing.join()
    assert not simulator.counts().waiting
