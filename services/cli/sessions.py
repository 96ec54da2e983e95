"""`gengfu sessions`: the persistent MQTT sessions of ingest, when the number of groups changes.

A session is known by its group's name, and the name has the number of groups in it. So that nothing is lost between
the old ones and the new ones, the new ones are made first: from then on the broker queues for both.
"""

import time
from datetime import timedelta
from typing import Annotated

import paho.mqtt.client as paho
import typer
from rich.console import Console
from sqlalchemy import delete, select

from gateway.contract.errors import GengfuError
from gateway.ingest import SESSIONS, session_filters, session_name
from gateway.mqtt import KEEPALIVE_S, BrokerAddress, client_options, failure, prepare
from gateway.subscribe import Subscriber
from services.cli.site import Language
from services.cli.wiring import broker_of, configs_of, open_database, sites_of
from services.device.tables import BrokerSession
from services.kernel.clock import SystemClock
from services.kernel.errors import Conflict
from services.kernel.groups import lease_of, spread
from services.kernel.heartbeat import Heartbeat
from services.kernel.installation import session_tag
from services.kernel.leases import Lease
from services.kernel.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Sessions of ingest, when GENGFU_INGEST_GROUPS changes.")
out = Console(highlight=False)

ANSWER_S = 10.0
ALIVE_FOR = timedelta(seconds=20)

Groups = Annotated[int, typer.Option("--groups", min=0, max=1024, help="As in GENGFU_INGEST_GROUPS.")]


class NoSession(GengfuError):
    """The broker did not make or end a session."""


@app.command("make")
def make(groups: Groups, lang: Language = "zh") -> None:
    """Have the broker keep the sessions of so many groups: from now on it queues for them."""
    settings = Settings()
    broker, of = broker_of(settings), groups_of(settings, groups)
    db = open_database(settings)
    tag = session_tag(db)
    db.dispose()
    for group, sites in of.items():
        for lane in SESSIONS:
            _make(broker, session_name(group, lane, tag), session_filters(sites, lane))
    count = len(of) * len(SESSIONS)
    out.print(f"{count} 个会话已就绪，消息开始排队" if lang == "zh" else f"{count} sessions are there and queue")


@app.command("end")
def end(groups: Groups, lang: Language = "zh") -> None:
    """End the sessions of so many groups, with what they still hold. Refused while any of them is heard."""
    settings = Settings()
    broker, names = broker_of(settings), list(groups_of(settings, groups))
    db, now = open_database(settings), SystemClock().now()
    try:
        with db.read() as session:
            hearts = list(session.scalars(select(Heartbeat).where(Heartbeat.role == "ingest")))
        tag = session_tag(db)
        own = [one for one in hearts if one.holder.rpartition(":")[2] in names]
        heard = sorted(one.holder for one in own if now - one.at < ALIVE_FOR)
        if heard:
            raise Conflict(
                f"Ingest still hears {', '.join(heard)}",
                hint=f"Stop it, and come again {ALIVE_FOR.total_seconds():.0f} s later",
            )
        ids = [session_name(name, lane, tag) for name in names for lane in SESSIONS]
        for one in ids:
            _end(broker, one)
        with db.begin() as session:  # or their absence would look like a loss one day
            session.execute(delete(BrokerSession).where(BrokerSession.client_id.in_(ids)))
            session.execute(delete(Lease).where(Lease.name.in_([lease_of(name) for name in names])))
            for heart in own:
                session.delete(heart)
    finally:
        db.dispose()
    out.print(f"{len(ids)} 个会话已结束" if lang == "zh" else f"{len(ids)} sessions have ended")


def groups_of(settings: Settings, count: int) -> dict[str, list[str]]:
    """The groups and their sites as ingest makes them; 0: the single one that has no lease."""
    sites = sites_of(settings, configs_of(settings))
    return spread(sites, count) if count else {settings.ingest_group: sites}


def _make(broker: BrokerAddress, name: str, filters: list[tuple[str, int]]) -> None:
    subscriber = Subscriber(broker, name, filters)
    deadline = time.monotonic() + ANSWER_S
    while not subscriber.connected:
        if time.monotonic() > deadline:
            raise NoSession(f"The broker at {broker} did not make session {name}", hint="The log says why")
        subscriber.gather(1, 1, 0.0, 0.1)  # what it hands out is not acknowledged, and comes again
    subscriber.close()


def _end(broker: BrokerAddress, name: str) -> None:
    answers: list[bool] = []
    client = paho.Client(**client_options(name, clean_session=True), reconnect_on_failure=False)
    prepare(client, broker)
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.append(not reason.is_failure)
    try:
        client.connect(broker.host, broker.port, KEEPALIVE_S)
    except (OSError, ValueError) as error:
        raise NoSession(
            f"The broker at {broker} did not end session {name}: {failure(error, broker)}", hint="Try again"
        ) from error
    deadline = time.monotonic() + ANSWER_S
    while not answers and time.monotonic() < deadline:
        client.loop(0.1)
    client.disconnect()
    if not any(answers):
        raise NoSession(f"The broker at {broker} did not end session {name}", hint="Check its user and password")
