"""The doors through which taps and typed readings of phones enter the event stream: an outbox and a publisher per site.

Several web processes may speak as the same device, each from an outbox of its own: receipts name the outbox's boots.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gateway.contract.errors import ContractError
from gateway.contract.times import parse_at, to_ms
from gateway.mqtt import BrokerAddress
from gateway.outbox import Lane, Outbox, OutboxError
from gateway.publish import Publisher
from gateway.site.model import Configs
from services.kernel.clock import Clock, SystemClock
from services.kernel.errors import Invalid, RoleTaken
from services.kernel.roles import RoleLock
from services.patrol.phone.allowance import Allowance
from services.patrol.phone.items import DoorClosed

DEVICE_KIND = "patrol_app"


class _Door(NamedTuple):
    device: str
    lock: RoleLock
    outbox: Outbox
    publisher: Publisher

    def close(self) -> None:
        self.publisher.close()
        self.outbox.close()
        self.lock.release()


@contextmanager
def _explained(site: str) -> Iterator[None]:
    try:
        yield
    except ContractError as error:  # it would be refused for ever: the phone must not come again with it
        raise Invalid(error.message, hint=error.hint) from error
    except OutboxError as error:
        raise DoorClosed(f"It cannot be kept: {error}", hint="Make room on the disk", site=site) from error


class Doors:
    """A door for every site that declares a device of kind `patrol_app`; taps are published as that device."""

    def __init__(
        self,
        configs: Configs,
        broker: BrokerAddress,
        path_of: Callable[[str], Path],
        clock: Clock | None = None,
    ) -> None:
        """`path_of(site)`: the outbox of the first process here; that of the n-th has `.n` in its name."""
        self._clock = clock or SystemClock()
        self._doors: dict[str, _Door] = {}
        self._left: list[_Door] = []
        """What processes that ended have left behind: sent on, and never added to."""
        self._allowance = Allowance()
        try:
            for site, config in configs.sites.items():
                device = next((one.id for one in config.devices if one.kind == DEVICE_KIND), None)
                if device is not None:
                    self._open(site, device, broker, path_of(site))
        except BaseException:
            self.close()
            raise

    def _open(self, site: str, device: str, broker: BrokerAddress, path: Path) -> None:
        for number in itertools.count(1):
            place = path if number == 1 else path.with_name(f"{path.stem}.{number}{path.suffix}")
            if site in self._doors and not place.exists():
                return
            lock = RoleLock(place, "web")
            try:
                lock.take()
            except RoleTaken:
                continue
            outbox = Outbox(place, via=f"{site}-{device}"[:64])
            if site in self._doors and outbox.is_empty:
                outbox.close()
                lock.release()
                continue
            name = f"gengfu-publish-{outbox.via}-{outbox.boot(Lane.URGENT)[-8:]}"
            publisher = Publisher(outbox, broker, site, client_id=name, will_device=device, shares_device=True)
            door = _Door(device, lock, outbox, publisher)
            if site in self._doors:
                self._left.append(door)
            else:
                self._doors[site] = door
            publisher.start()

    def put(self, site: str, body: Mapping[str, Any]) -> None:
        """Keep one tap on disk before returning, and send it as soon as it may go; raises DoorClosed, Invalid."""
        with _explained(site):
            door = self._of(site)
            self._admit(site, body)
            door.publisher.put(door.device, "tap", body)

    def put_reading(self, site: str, device: str, body: Mapping[str, Any]) -> None:
        """The same for a reading that a person typed in, as an event of its point's device."""
        with _explained(site):
            door = self._of(site)
            self._admit_reading(site, body)
            door.publisher.put(device, "reading", body)

    def _of(self, site: str) -> _Door:
        if site not in self._doors:
            raise DoorClosed(
                f"Site {site} has no device of kind {DEVICE_KIND}", hint="Declare one in its devices.yaml", site=site
            )
        return self._doors[site]

    def _admit(self, site: str, body: Mapping[str, Any]) -> None:
        at_ms = parse_at(str(body["at"]))
        now_ms = parse_at(str(body["received_at"])) if "received_at" in body else at_ms
        account = body.get("delivered_by") or body.get("guard")
        if not self._allowance.take((f"{site}/phone/{body.get('phone')}", f"person/{account}"), at_ms, now_ms):
            raise DoorClosed("Too many taps within an hour", hint="Keep them and come again in an hour", site=site)

    def _admit_reading(self, site: str, body: Mapping[str, Any]) -> None:
        typed = body["typed"]
        account = typed.get("delivered_by") or typed["by"]
        if not self._allowance.take([f"{site}/typed/{account}"], parse_at(str(body["at"])), to_ms(self._clock.now())):
            raise DoorClosed("Too many readings within an hour", hint="Keep them and come again in an hour", site=site)

    def close(self) -> None:
        """End the publishers; what is not yet receipted stays in the files."""
        for door in (*self._doors.values(), *self._left):
            door.close()
