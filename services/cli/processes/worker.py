"""`gengfu worker`: what time brings, and what goes out."""

import os
import socket
from contextlib import closing

import httpx

from gateway.fire.commands import CommandSender
from services.cli.marking import marking
from services.cli.processes.reporting import Beside
from services.cli.wiring import broker_of, configs_of, open_database, stop_event, take_role
from services.flows import catalog
from services.kernel.clock import SystemClock
from services.kernel.settings import Settings
from services.notify.model import Channel
from services.notify.senders import Sender, build_sender
from services.patrol.planning.starts import schedule_seed
from services.patrol.sun.keys import installation_secret
from services.report.watch import ReportDesk
from services.worker import Worker


def worker() -> None:
    """Fire due timers, deliver messages, watch the other processes."""
    settings, stop, clock = Settings(), stop_event(), SystemClock()
    configs = configs_of(settings)
    db = open_database(settings)
    role = take_role(db, "worker")
    with db.begin() as session:
        catalog.sync(session, configs, clock.now())
    beside = Beside()
    holder = f"{socket.gethostname()}:{os.getpid()}" if role is None else "worker"
    commands = CommandSender(broker_of(settings), f"gengfu-commands-{socket.gethostname()}-{os.getpid()}")
    with httpx.Client() as client, closing(commands), marking(settings, db, configs, clock, stop):

        def sender_for(channel: Channel) -> Sender:
            return build_sender(channel, os.environ, client, write=lambda text: print(text, flush=True))

        Worker(
            db,
            configs,
            clock,
            sender_for,
            late_after=settings.late_after,
            holder=holder,
            seed=schedule_seed(installation_secret(settings)),
            send_command=commands.send,
            ingest_groups=settings.ingest_groups,
            reports=ReportDesk(db, configs, SystemClock(), beside.make, beside.halt),
        ).run(stop)
    db.dispose()
    if role is not None:
        role.release()
