"""`gengfu broker`: the embedded broker."""

from gateway.broker import EmbeddedBroker
from services.cli.wiring import stop_event
from services.kernel.errors import SettingsError
from services.kernel.settings import Settings


def broker() -> None:
    """Run the embedded MQTT broker (loopback only, no passwords, nothing on disk)."""
    settings, stop = Settings(), stop_event()
    with EmbeddedBroker(settings.data_dir, settings.broker_port, settings.broker_host) as running:
        while not stop.wait(0.2):
            if not running.is_running:
                raise SettingsError("The embedded broker ended unexpectedly", hint="Its output is above")
