"""Topic patterns of profiles: which topics to listen to, and which device a topic names."""

import re
from typing import Final

DEVICE: Final = "{device}"


class TopicPattern:
    """An MQTT filter with at most one `{device}`, which stands for one level or several."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.names_device = DEVICE in pattern
        self._matches = re.compile(_regex(pattern), re.DOTALL).fullmatch

    def device(self, topic: str) -> str | None:
        """The device's name in a topic, "" if the pattern has none; None when the topic does not match."""
        found = self._matches(topic)
        if found is None:
            return None
        return found["device"] if self.names_device else ""

    def filter(self, name: str = "") -> str:
        """What to subscribe to for the device of this name, or for all (names with `/` then only at the end)."""
        if name or not self.names_device:
            return self.pattern.replace(DEVICE, name)
        return self.pattern.replace(DEVICE, "#" if self.pattern.endswith("/" + DEVICE) else "+")


def _regex(pattern: str) -> str:
    begin, device, end = pattern.partition(DEVICE)
    named = "(?P<device>[^#+]+)" if device else ""
    return _literal(begin) + named + _literal(end.replace(DEVICE, ""))


def _literal(part: str) -> str:
    levels = re.escape(part).replace(r"\+", "[^/]*")
    return levels.removesuffix(r"/\#") + "(?:/.*)?" if levels.endswith(r"/\#") else levels.replace(r"\#", ".*")
