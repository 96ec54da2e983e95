"""Sparkplug B messages of one family → what was said; the only payloads whose meaning hangs on earlier ones."""

from collections.abc import Iterable
from typing import Any, Final

from gateway.decode.plausible import judge_of
from gateway.decode.said import PAYLOAD, Refused, Said, Value, refuse
from gateway.decode.sparkplug import BadSparkplug, decode, encode_rebirth, value_of
from gateway.decode.sparkplug_state import REORDER_MS, Known, Nodes, address_of
from gateway.site.profile import Profile

_UNKNOWN_AGAIN_MS: Final = 3_600_000
_BIRTHS: Final = ("NBIRTH", "DBIRTH")


class SparkplugReader:
    """Reads the metrics that a profile names in `select`; `names`: the devices of the site, `group/node[/device]`.

    A death of a device or its node, and a gap in the sequence, is a Said with status `online: False, no_data: True`.
    """

    def __init__(self, profile: Profile, names: Iterable[str] = (), reorder_ms: int = REORDER_MS) -> None:
        assert profile.mqtt is not None
        names = tuple(names)
        self._nodes = Nodes(names, reorder_ms)
        self._ours = {"/".join(name.split("/")[:2]) for name in names}
        self._may_ask = profile.mqtt.rebirth
        self._fields = {one.select: (one, judge_of(one)) for one in profile.mqtt.fields}
        self._required = [one for one in profile.mqtt.fields if not one.optional]
        self._complained: dict[str, int] = {}

    def read(self, topic: str, payload: bytes, now_ms: int, mono_ms: int) -> list[Said]:
        """What a message says; raises nothing for bad content."""
        address = address_of(topic)
        if address is None:
            return []
        saids = self.expire(now_ms, mono_ms)
        try:
            message = decode(payload)
        except BadSparkplug as error:
            refused = refuse(PAYLOAD, "not_sparkplug", error.message, error.hint)
            return [*saids, Said(address.name, now_ms, False, refused=[refused])]
        outcome = self._nodes.hear(address, message, mono_ms)
        saids += [_dead(name, now_ms) for name in outcome.dead]
        if outcome.is_stale or outcome.dead:
            return saids
        refused_all = self._complaint(address.name, outcome.unknown, mono_ms)
        status: dict[str, Any] = {}
        if address.kind in _BIRTHS:
            status["online"] = True
            there = {one.name for one in outcome.metrics}
            refused_all += [
                refuse(one.name, "missing", f"{one.name} ({one.select}) is not in the birth")
                for one in self._required
                if one.select not in there
            ]
        by_time: dict[tuple[int, bool], tuple[list[Value], list[Refused]]] = {}
        for known in outcome.metrics:
            at_ms = known.told.at_ms or message.at_ms
            if address.kind in _BIRTHS and not known.told.is_historical:
                at_ms = max(at_ms, message.at_ms)  # a birth says what holds now, however long it has
            when = (at_ms, True) if at_ms else (now_ms, False)
            self._take(known, by_time.setdefault(when, ([], [])), status)
        by_time = {when: both for when, both in by_time.items() if both[0] or both[1]}
        by_time = by_time or {(message.at_ms or now_ms, bool(message.at_ms)): ([], [])}
        for (at_ms, claimed), (values, refused_ones) in by_time.items():
            saids.append(Said(address.name, at_ms, claimed, values, [*refused_all, *refused_ones], status))
            refused_all = []
        return saids

    def expire(self, now_ms: int, mono_ms: int) -> list[Said]:
        """Who is unknown since a message of his node stayed away; call it about once a second."""
        return [_dead(name, now_ms) for name in self._nodes.expire(mono_ms)]

    def requests(self, now_ms: int) -> list[tuple[str, bytes]]:
        """(topic, payload) of the requests for rebirth to nodes of the site, where the profile allows them."""
        wanted = self._nodes.rebirths()
        if not self._may_ask:
            return []
        split = [name.split("/", 1) for name in wanted if name in self._ours]
        return [(f"spBv1.0/{group}/NCMD/{node}", encode_rebirth(now_ms)) for group, node in split]

    def _take(self, known: Known, into: tuple[list[Value], list[Refused]], status: dict[str, Any]) -> None:
        found = self._fields.get(known.name)
        if found is None:
            return
        field, judge = found
        raw = value_of(known.told, known.datatype)
        if field.status == "firmware":
            if isinstance(raw, str):
                status["firmware"] = raw
            return
        judged = judge(raw)
        if isinstance(judged, Refused):
            into[1].append(judged)
        elif field.status:
            status[field.status] = judged.value
        else:
            into[0].append(judged)

    def _complaint(self, name: str, unknown: int, mono_ms: int) -> list[Refused]:
        """Aliases that no birth explained: told once an hour for each device, since they come with every message."""
        if not unknown or mono_ms - self._complained.get(name, mono_ms - _UNKNOWN_AGAIN_MS) < _UNKNOWN_AGAIN_MS:
            return []
        if len(self._complained) >= 1000:
            self._complained.clear()
        self._complained[name] = mono_ms
        hint = "It is asked to announce itself again" if self._may_ask else "Restart the node, or set rebirth: true"
        return [
            refuse(PAYLOAD, "unknown_alias", f"{name} says {unknown} metrics only by alias, before its birth", hint)
        ]


def _dead(name: str, now_ms: int) -> Said:
    return Said(name, now_ms, False, status={"online": False, "no_data": True})
