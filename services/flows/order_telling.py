"""What people hear of an order besides dispatch and deadlines: reports, approvals, emergency reports, call-backs."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.flows.telling import channels, recipients
from services.notify import service as notify
from services.notify.model import Notice
from services.notify.texts import Words
from services.work_order.tables import WorkOrder


def tell(
    session: Session,
    config: SiteConfig,
    order: WorkOrder,
    what: str,
    words: Words,
    now: datetime,
    *,
    key: str = "",
    usernames: Iterable[str] = (),
    roles: Iterable[str] = (),
) -> None:
    """Tell people about an order, by name or role (neither: everybody); `what` is the kind after `work_order.`."""
    notice = Notice(
        key=f"work_order:{order.id}:{what}:{key or order.version}",
        kind=f"work_order.{what}",
        site=order.site,
        subject_kind="work_order",
        subject_id=order.id,
        severity="high" if order.priority in ("P1", "P2") else "medium",
        text=_with_link(config, words.zh, f"work-orders/{order.id}"),
        text_en=_with_link(config, words.en, f"work-orders/{order.id}"),
        occurrence=order.version,
        usernames=frozenset(usernames),
        roles=frozenset(roles),
    )
    notify.announce(session, notice, recipients(config), channels(config), now)


def tell_site(
    session: Session, config: SiteConfig, what: str, key: str, words: Words, now: datetime, *, roles: Iterable[str]
) -> None:
    """Tell roles of a site something about its orders as a whole; `what` is a page too, e.g. `call-backs`."""
    notice = Notice(
        key=f"{what}:{config.site.id}:{key}",
        kind="call_back.due",
        site=config.site.id,
        subject_kind="system",
        subject_id=f"{what}:{key}"[:64],
        severity="medium",
        text=_with_link(config, words.zh, what),
        text_en=_with_link(config, words.en, what),
        roles=frozenset(roles),
    )
    notify.announce(session, notice, recipients(config), channels(config), now)


def _with_link(config: SiteConfig, text: str, page: str) -> str:
    return f"{text}\n{config.site.console_url}/{page}" if config.site.console_url else text
