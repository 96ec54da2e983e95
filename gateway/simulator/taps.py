"""What virtual guards make audible: tap events of the site's `patrol_app`, and sentences for people."""

import heapq
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from gateway.contract.times import format_at
from gateway.contract.topics import topic
from gateway.simulator.guard import Guards, Tap, Walk
from gateway.simulator.messages import Message, boot_id, tap
from gateway.simulator.plan import PATROL_APP, Narration, Plan
from gateway.site.duration import format_duration
from gateway.site.model import SiteConfig

_UNCERTAIN_MS = 1_000

T = TypeVar("T")


class TapScript:
    """Everything that the phones of a site's guards deliver, as one device without a status of its own.

    Whether the phone app is there says our own web process, which publishes for real phones under the same device.
    """

    def __init__(self, plan: Plan, device: str) -> None:
        self.device = device
        self._plan = plan
        self._topic = topic(plan.config.site.id, device, "tap")
        # A boot of its own: the web process counts the taps of real phones.
        self._boot = boot_id(plan.seed, plan.config.site.id, f"{device}/guards", plan.start_ms)

    def messages(self) -> Iterator[Message]:
        """Every tap in order of delivery."""
        walks = Guards(self._plan).walks()
        delivered = _in_order(walks, _deliveries, lambda one: one[0].sent_ms)
        for seq, (one, walk) in enumerate(delivered, 1):
            body = self._body(one, walk)
            yield Message(one.sent_ms, self._topic, tap(f"{self._boot}-{seq}", body), 1, False, "tap")

    def birth(self, at_ms: int) -> Message | None:
        """Nothing: see above."""
        return None

    def will(self, connected_ms: int) -> Message | None:
        """Nothing either."""
        return None

    def farewell(self, at_ms: int) -> Message | None:
        """Nor is there anything to say in the end."""
        return None

    def _body(self, one: Tap, walk: Walk) -> dict[str, object]:
        body: dict[str, object] = {
            "at": format_at(one.at_ms),
            **_read(one),
            "guard": one.guard,
            "client_id": one.client_id,
            "phone": f"sim-{one.guard}"[:64],
            "claimed_at": format_at(one.claimed_ms),
            "received_at": format_at(one.sent_ms),
            "clock": "monotonic",
            "uncertain_ms": _UNCERTAIN_MS,
            "clock_turned": False,
        }
        extra = {"round": walk.errand.round, "retries": one.retries, "answers": one.answers}
        return body | {name: value for name, value in extra.items() if value}


def tap_scripts(plan: Plan) -> list[TapScript]:
    """The taps of a plan; none on a site without phone app or in a scenario without guards."""
    device = phone_app(plan.config)
    return [TapScript(plan, device)] if device is not None and plan.scenario.guards else []


def phone_app(config: SiteConfig) -> str | None:
    """The device that speaks for guards' phones."""
    return next((one.id for one in config.devices if one.kind == PATROL_APP), None)


def narration(plan: Plan) -> Iterator[Narration]:
    """What to tell people about the guards, in order of time."""
    if tap_scripts(plan):
        yield from _in_order(Guards(plan).walks(), lambda walk: _story(plan.config, walk), lambda told: told.at_ms)


def _in_order(walks: Iterator[Walk], items: Callable[[Walk], list[T]], when: Callable[[T], int]) -> Iterator[T]:
    """What arises from walks, in order: nothing of a walk is before its `errand.from_ms`."""
    waiting: list[tuple[int, int, T]] = []
    count = 0
    for walk in walks:
        while waiting and waiting[0][0] <= walk.errand.from_ms:
            yield heapq.heappop(waiting)[2]
        for item in items(walk):
            count += 1
            heapq.heappush(waiting, (when(item), count, item))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _deliveries(walk: Walk) -> list[tuple[Tap, Walk]]:
    return [(one, walk) for one in walk.taps]


def _read(one: Tap) -> dict[str, object]:
    """The tag as printed; where there is none the code beside it."""
    tags = one.checkpoint.tags
    return {"tag": tags[0].uid, "evidence": "uid"} if tags else {"code": one.checkpoint.code, "evidence": "qr"}


def _story(config: SiteConfig, walk: Walk) -> list[Narration]:
    errand = walk.errand
    person, route = config.person_by_username[errand.guard], errand.route
    names = {"guard": person.name, "route": route.name, "by": _spoken(errand.entry.amount), "taps": len(walk.taps)}
    names_en = {
        "guard": person.name_en or person.name,
        "route": route.name_en or route.name,
        "by": format_duration(errand.entry.amount),
        "taps": len(walk.taps),
    }
    begin_ms, end_ms, sent_ms = walk.taps[0].at_ms, walk.taps[-1].at_ms, walk.taps[-1].sent_ms
    zh, en = _BEGIN.get(errand.behaviour, _BEGIN["honest"])
    told = [Narration(begin_ms, zh.format(**names), en.format(**names_en))]
    for place in walk.skipped:
        text = f"{person.name}没有到「{place.name}」（模拟漏点）"
        text_en = f"{names_en['guard']} leaves out {place.name_en or place.name} (simulated)"
        told.append(Narration(end_ms, text, text_en))
    if walk.finding is not None:
        place, question = walk.finding
        found = next(one for one in walk.taps if one.checkpoint == place)
        answer = found.answers[question.id]
        text = f"{person.name}在「{place.name}」发现问题：{question.text}（{_said(answer, '是', '否')}{question.unit}）"
        text_en = (
            f"{names_en['guard']} finds at {place.name_en or place.name}: {question.text_en or question.text} "
            f"({_said(answer, 'yes', 'no')} {question.unit})"
        )
        told.append(Narration(found.sent_ms, text, text_en.replace(" )", ")")))
    if errand.behaviour == "offline":
        text = f"{person.name}的手机恢复网络，补传 {len(walk.taps)} 次打点"
        text_en = f"The phone of {names_en['guard']} has a network again and delivers {len(walk.taps)} taps"
        told.append(Narration(sent_ms, text, text_en))
    return told


def _said(answer: object, yes: str, no: str) -> object:
    return (yes if answer else no) if isinstance(answer, bool) else answer


def _spoken(duration: timedelta) -> str:
    return (
        format_duration(duration).replace("min", " 分钟").replace("h", " 小时").replace("d", " 天").replace("s", " 秒")
    )


_BEGIN: dict[str, tuple[str, str]] = {
    "honest": ("{guard}开始走「{route}」", "{guard} sets out on {route}"),
    "late": ("{guard}晚了 {by}才开始走「{route}」（模拟）", "{guard} sets out on {route} {by} late (simulated)"),
    "desk_tapping": (
        "{guard}几秒内打完「{route}」的全部点（模拟桌面打卡）",
        "{guard} taps all of {route} within seconds (simulated desk tapping)",
    ),
    "too_fast": (
        "{guard}用不可能的速度走「{route}」（模拟作弊）",
        "{guard} walks {route} faster than anybody can (simulated)",
    ),
    "offline": (
        "{guard}开始走「{route}」，手机没有网络（模拟）",
        "{guard} sets out on {route} with a phone off line (simulated)",
    ),
    "wrong_clock": (
        "{guard}开始走「{route}」，手机时钟快 {by}（模拟）",
        "{guard} sets out on {route} with a phone clock {by} ahead (simulated)",
    ),
}  # fmt: skip
"""What is told when a round begins; every other behaviour looks honest then."""
