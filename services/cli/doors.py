"""The doors through which taps of phones enter the event stream: an outbox and a publisher per site."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.contract.errors import ContractError
from gateway.contract.times import parse_at
from gateway.mqtt import BrokerAddress
from gateway.outbox import Outbox, OutboxError
from gateway.publish import Publisher
from gateway.site.model import Configs
from services.kernel.errors import Invalid
from services.patrol.phone.allowance import Allowance
from services.patrol.phone.items import DoorClosed

DEVICE_KIND = "patrol_app"


class Doors:
    """A door for every site that declares a device of kind `patrol_app`; taps are published as that device."""

    def __init__(self, configs: Configs, broker: BrokerAddress, path_of: Callable[[str], Path]) -> None:
        self._doors: dict[str, tuple[str, Outbox, Publisher]] = {}
        self._allowance = Allowance()
        try:
            for site, config in configs.sites.items():
                device = next((one.id for one in config.devices if one.kind == DEVICE_KIND), None)
                if device is not None:
                    outbox = Outbox(path_of(site), via=f"{site}-{device}"[:64])
                    self._doors[site] = (device, outbox, Publisher(outbox, broker, site, will_device=device).start())
        except BaseException:
            self.close()
            raise

    def put(self, site: str, body: Mapping[str, Any]) -> None:
        """Keep one tap on disk before returning, and send it as soon as it may go; raises DoorClosed, Invalid."""
        if site not in self._doors:
            raise DoorClosed(
                f"Site {site} has no device of kind {DEVICE_KIND}", hint="Declare one in its devices.yaml", site=site
            )
        device, _, publisher = self._doors[site]
        try:
            self._admit(site, body)
            publisher.put(device, "tap", body)
        except ContractError as error:  # it would be refused for ever: the phone must not come again with it
            raise Invalid(error.message, hint=error.hint) from error
        except OutboxError as error:
            raise DoorClosed(f"The tap cannot be kept: {error}", hint="Make room on the disk", site=site) from error

    def _admit(self, site: str, body: Mapping[str, Any]) -> None:
        at_ms = parse_at(str(body["at"]))
        now_ms = parse_at(str(body["received_at"])) if "received_at" in body else at_ms
        account = body.get("delivered_by") or body.get("guard")
        if not self._allowance.take((f"{site}/phone/{body.get('phone')}", f"person/{account}"), at_ms, now_ms):
            raise DoorClosed("Too many taps within an hour", hint="Keep them and come again in an hour", site=site)

    def close(self) -> None:
        """End the publishers; what is not yet receipted stays in the files."""
        for _, outbox, publisher in self._doors.values():
            publisher.close()
            outbox.close()
