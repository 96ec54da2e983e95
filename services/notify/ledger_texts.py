"""What people read of things that come to their end: certificates, warranties, permitted life, contracts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.notify.texts import Words

_LINES = 8


@dataclass(frozen=True, slots=True)
class EndingFacts:
    """One thing that comes to its end."""

    name: str
    """What ends, e.g. `1号电梯 电梯年检合格证`."""
    name_en: str
    last_on: date
    days_left: int
    place: str = ""
    place_en: str = ""
    owner: str = ""
    owner_en: str = ""
    link: str = ""


_HEADS: dict[str, tuple[str, str]] = {
    "certificate": ("证照到期", "CERTIFICATE"),
    "warranty": ("质保到期", "WARRANTY"),
    "scrap": ("报废期限", "END OF LIFE"),
    "contract": ("合同到期", "CONTRACT"),
}
_ADVICE: dict[str, tuple[str, str]] = {
    "certificate": ("请办理换证，新证在设备页面登记", "Renew it and enter the new one on the equipment's page"),
    "warranty": ("质保期内的问题请尽快报修，并通知客户", "Report defects while it holds, and tell the client"),
    "scrap": ("请安排更换或检测，报废后在设备页面登记", "Have it replaced or tested, and enter that on its page"),
    "contract": ("请续签或重新招标，续签前报法务审核", "Renew it or tender again; have it reviewed first"),
}


def ending(what: str, one: EndingFacts) -> Words:
    """One thing ends soon, today, or has ended."""
    (head, head_en), (advice, advice_en) = _HEADS[what], _ADVICE[what]
    return Words(
        _lines(
            f"【{head}】{one.name}{f' · {one.place}' if one.place else ''}",
            f"{one.last_on.isoformat()} 到期，{_left(one.days_left)}",
            f"责任人：{one.owner}" if one.owner else "",
            advice,
            one.link,
        ),
        _lines(
            f"[{head_en}] {one.name_en}{f' · {one.place_en}' if one.place_en else ''}",
            f"Ends on {one.last_on.isoformat()}: {_left_en(one.days_left)}",
            f"Owner: {one.owner_en}" if one.owner_en else "",
            advice_en,
            one.link,
        ),
    )


def many_endings(what: str, ones: Sequence[EndingFacts], link: str = "") -> Words:
    """Many things of one sort end at once: one message names the first of them."""
    (head, head_en), (advice, advice_en) = _HEADS[what], _ADVICE[what]
    shown, more = ones[:_LINES], len(ones) - _LINES
    return Words(
        _lines(
            f"【{head}】共 {len(ones)} 项",
            *(f"· {one.name}：{one.last_on.isoformat()}，{_left(one.days_left)}" for one in shown),
            f"· 另有 {more} 项" if more > 0 else "",
            advice,
            link,
        ),
        _lines(
            f"[{head_en}] {len(ones)} in all",
            *(f"· {one.name_en}: {one.last_on.isoformat()}, {_left_en(one.days_left)}" for one in shown),
            f"· {more} more" if more > 0 else "",
            advice_en,
            link,
        ),
    )


def _left(days: int) -> str:
    if days > 0:
        return f"还有 {days} 天"
    return "今天是最后一天" if days == 0 else f"已过期 {-days} 天"


def _left_en(days: int) -> str:
    if days > 0:
        return f"{days} days left" if days > 1 else "1 day left"
    if days == 0:
        return "today is the last day"
    return f"{-days} days ago" if days < -1 else "yesterday"


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
